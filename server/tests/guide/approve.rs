//! Fix 1: approve the device that waits.

use super::Phone;
use crate::gateway::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn fix_1_a_device_that_was_never_approved() {
    let gateway = Gateway::start();
    let phone = Phone(1);
    phone
        .is_let_in(&gateway.url(), async |request| {
            let listed = gateway.run(&["devices", "list"]).ok();
            assert!(listed.contains("Pending (1)") && listed.contains(request), "{listed}");
            gateway.run(&["devices", "approve", request]).ok();
        })
        .await;
    phone.is_known(&gateway.url()).await;
}
