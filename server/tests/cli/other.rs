//! Commands of the guides that are not ours: understood, and answered with what to do.

use crate::gateway::run;

#[test]
fn commands_about_channels_and_updates_say_where_to_go() {
    let home = tempfile::tempdir().unwrap();
    for (line, sentence, next) in [
        (
            "channels login --channel whatsapp",
            "it has no chat channels",
            "run its own `openclaw channels login --channel whatsapp`",
        ),
        ("channels add", "it has no chat channels", "run its own `openclaw channels add`"),
        ("channels remove whatsapp", "it has no chat channels", "run its own `openclaw channels remove whatsapp`"),
        ("update", "does not update itself", "run `openclaw gateway restart`"),
        ("update --channel beta", "does not update itself", "replace its file"),
    ] {
        let line: Vec<&str> = line.split(' ').collect();
        let done = run(home.path(), &line).refused();
        assert!(done.stderr.contains(sentence) && done.stderr.contains(next), "{line:?}: {}", done.stderr);
        assert_eq!(done.stdout, "", "{line:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing was made");
}
