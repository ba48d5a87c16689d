//! What the parameters of `connect` may look like (wire.md §2.2).

use serde_json::Value;

use super::{CLIENT_IDS, CLIENT_MODES};
use crate::shape::{NON_EMPTY, Property, Shape, TEXT, optional, required};

/// What a client says of itself is stored and shown before anybody knows it, so it has to be short. The
/// reference sets no limit; real clients stay far below this one.
const WORD: Shape = Shape::Text { min: 1, max: 256 };

/// How many scopes a client may ask for. There are ten.
const MAX_SCOPES: usize = 64;

/// How many capabilities, commands or permissions a client may declare.
const MAX_DECLARED: usize = 256;

const CLIENT: &[Property] = &[
    required("id", Shape::OneOf(&CLIENT_IDS)),
    required("version", WORD),
    required("platform", WORD),
    required("mode", Shape::OneOf(&CLIENT_MODES)),
    optional("displayName", WORD),
    optional("buildId", Shape::Text { min: 1, max: 96 }),
    optional("deviceFamily", WORD),
    optional("modelIdentifier", WORD),
    optional("timeZone", Shape::Text { min: 1, max: 64 }),
    optional("instanceId", WORD),
];

const DEVICE: &[Property] = &[
    required("id", NON_EMPTY),
    required("publicKey", NON_EMPTY),
    required("signature", NON_EMPTY),
    required("signedAt", Shape::Integer { min: 0 }),
    required("nonce", NON_EMPTY),
];

const AUTH: &[Property] = &[
    optional("token", TEXT),
    optional("bootstrapToken", TEXT),
    optional("deviceToken", TEXT),
    optional("password", TEXT),
    optional("approvalRuntimeToken", TEXT),
    optional("agentRuntimeIdentityToken", TEXT),
];

const CONNECT: Shape = Shape::Object(&[
    required("minProtocol", Shape::Integer { min: 1 }),
    required("maxProtocol", Shape::Integer { min: 1 }),
    required("client", Shape::Object(CLIENT)),
    optional("role", NON_EMPTY),
    optional("scopes", Shape::List(&WORD)),
    optional("caps", Shape::List(&WORD)),
    optional("commands", Shape::List(&WORD)),
    optional("permissions", Shape::Flags),
    optional("pathEnv", TEXT),
    optional("computerUse", Shape::Any),
    optional("workerRuns", Shape::Any),
    optional("modelCatalog", Shape::Any),
    optional("device", Shape::Object(DEVICE)),
    optional("auth", Shape::Object(AUTH)),
    optional("locale", Shape::Text { min: 0, max: 256 }),
    optional("userAgent", Shape::Text { min: 0, max: 1024 }),
]);

/// Checks the closed shape, and that the lists are no longer than anybody needs. The error names every problem
/// of the shape.
pub(super) fn check(params: &Value) -> Result<(), String> {
    CONNECT.check(params)?;
    for (name, most) in [("scopes", MAX_SCOPES), ("caps", MAX_DECLARED), ("commands", MAX_DECLARED)] {
        if params.get(name).and_then(Value::as_array).is_some_and(|items| items.len() > most) {
            return Err(format!("at /{name}: must not have more than {most} items"));
        }
    }
    let permissions = params.get("permissions").and_then(Value::as_object);
    if permissions.is_some_and(|flags| flags.len() > MAX_DECLARED || flags.keys().any(|name| name.len() > 256)) {
        return Err(format!("at /permissions: must not have more than {MAX_DECLARED} short names"));
    }
    Ok(())
}
