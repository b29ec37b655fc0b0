# Configuring and building. build/ is the everyday tree (build/python is importable from it); the
# other compilers and sanitizers have their trees inside it.

# What one tree compiled, the wheel's tree takes from the cache. Paths stay absolute: made relative,
# they differ between trees of different depths.
export CCACHE_NOHASHDIR=1

# build_tree PRESET FOLDER TARGET [CMAKE-OPTION...]
build_tree() {
  local preset=$1 folder=$2 target=$3
  shift 3
  cmake --preset "$preset" -B "$folder" \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" &&
    cmake --build "$folder" --target "$target"
}
