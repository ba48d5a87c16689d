//! The documentation says what the code does.

#[path = "../examples/refusals.rs"]
#[expect(dead_code, reason = "its main function prints what this test compares")]
mod refusals;

#[test]
fn the_table_of_refusals_in_the_docs_is_the_one_in_the_code() {
    let docs = include_str!("../../../docs/protocol.md");
    assert!(
        docs.contains(&refusals::table()),
        "docs/protocol.md is out of date; paste what `cargo run -p protocol --example refusals` prints"
    );
}
