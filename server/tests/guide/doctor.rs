//! Fix 6: `openclaw doctor --fix`, then a restart.

use super::Phone;
use super::service::Machine;
use crate::doctor::state;
use crate::root::ADA;

#[tokio::test(flavor = "multi_thread")]
async fn fix_6_the_doctor_repairs_what_is_broken_and_keeps_every_pairing() {
    let wrong = |port: u16| format!("mode: 'remote', remote: {{ url: 'ws://127.0.0.1:{port}', token: 'wrong' }}");
    let machine = Machine::new(wrong);
    let phone = Phone(1);
    phone
        .is_let_in(&machine.url(), async |request| {
            // The command line cannot get in with its wrong token, so this is said on the owner's way.
            let line = format!("OPENCLAW_CONFIG_PATH=/dev/null openclaw devices approve {request}");
            machine.guide(&line);
        })
        .await;
    machine.write(".openclaw/state/cli-identity.json", "broken");
    machine.write("gateway.yaml", "pairingRequired: false\ntrustedProxies: [172.18.0.0/16]\n");
    machine.guide(
        "systemctl --user stop openclaw-gateway.service
         sudo chown 0:0 ~/.openclaw/state/gateway.sqlite ~/.openclaw/state/gateway.key
         chmod 644 ~/.openclaw/openclaw.json",
    );
    machine.type_line("systemctl --user start openclaw-gateway.service").refused();
    machine.type_line("openclaw devices list").refused();

    // As `docker exec` does it: as root.
    let told = machine.type_line("sudo openclaw doctor --fix");
    for check in ["state-owner", "state-mode", "other-settings", "identity-damaged", "token-drift"] {
        assert!(told.stdout.contains(&format!("fixed    {check}: ")), "{check}: {}{}", told.stdout, told.stderr);
    }
    assert!(told.stdout.contains("`gateway.pairingRequired: false` is not obeyed"), "{}", told.stdout);
    machine.guide("systemctl --user restart openclaw-gateway.service");
    phone.is_known(&machine.url()).await;
    assert!(machine.guide("openclaw devices list").contains("Paired (2)"));
    machine.guide("openclaw doctor");
    let settings = std::fs::read_to_string(state(machine.ada.path()).join("openclaw.json")).unwrap();
    assert!(settings.contains("172.18.0.0/16") && !settings.contains("pairingRequired"), "{settings}");
    assert!(machine.ada.owners().iter().all(|(_, uid, _)| *uid == ADA));
}
