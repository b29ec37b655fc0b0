# Configuring and building. build/ is the everyday tree (build/python is importable from it); the
# other compilers and sanitizers have their trees inside it.

# configure_and_build PRESET FOLDER [CMAKE-OPTION...]
configure_and_build() {
  local preset=$1 folder=$2
  shift 2
  # One compiler cache serves every clone of the project.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  cmake --preset "$preset" -B "$folder" \
    -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" &&
    cmake --build "$folder"
}

build_vmlift() {
  step build-gcc "building vmlift with GCC" configure_and_build dev build
}
