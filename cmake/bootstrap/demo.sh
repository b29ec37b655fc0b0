run_demo() {
  build_vmlift
}
