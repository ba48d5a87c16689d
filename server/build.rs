//! The Control UI is embedded, so it has to be there first.

fn main() {
    println!("cargo:rerun-if-changed=../target/site");
    println!("cargo:rerun-if-changed=migrations");
    let site = std::path::Path::new("../target/site");
    assert!(site.is_dir(), "the Control UI is not built yet; run `make build`");
}
