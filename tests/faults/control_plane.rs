//! Plays Lambda's layer API, where each call meets what its executable has been dealt.
//! Refuses to know the rules of a policy, and what an event is to come to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use crate::fault::CallFault;
use crate::lambda_answers::{refused, throttled};
use crate::lambda_call::{Call, Credential, Operation};
use crate::layer_policies::Refusal;
use crate::layers::Layers;
use crate::record::Record;
use crate::server::{Asked, Reply, serve};

/// The account of the function.
const ACCOUNT: &str = "123456789012";

/// How a layer is asked for by its ARN, and by one of the function's partition and region: no endpoint takes another.
const ANY_ARN: &str = "/layers/arn";
const OWN_ARN: &str = "/layers/arn%3Aaws%3Alambda%3Aeu-west-1%3A";

/// How long after an unconditional write another one still overwrites it.
const RACE: Duration = Duration::from_millis(10);

type Shared = Arc<Mutex<Layers>>;

#[derive(Clone)]
pub struct ControlPlane {
    pub address: SocketAddr,
    layers: Shared,
}

impl ControlPlane {
    pub async fn start(record: Record) -> Self {
        let layers = Arc::new(Mutex::new(Layers::new(record)));
        let shared = Arc::clone(&layers);
        let address = serve(move |asked| {
            let layers = Arc::clone(&shared);
            async move { answer(&layers, asked).await }
        })
        .await;
        Self { address, layers }
    }

    pub fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap()
    }

    /// Waits for the effects that the calls of this executable still have.
    pub async fn calm(&self, key: &str) {
        while self.layers().dealt(key).to_come > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn answer(layers: &Shared, asked: Asked) -> Reply {
    let key = Credential::from_request(&asked).access_key;
    layers.lock().unwrap().dealt(&key).calls += 1;
    if asked.target.contains(ANY_ARN) && !asked.target.contains(OWN_ARN) {
        let refusal = Refusal::new(400, "ValidationException", "the ARN is of another region");
        return refused(&refusal).1;
    }
    let call = Call::parse(&asked, ACCOUNT);
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let (fault, since) = {
        let mut layers = layers.lock().unwrap();
        layers.guard(&call, &body);
        let since = layers.races.len();
        (layers.dealt(&key).next(call.operation), since)
    };
    let races = fault.is_none() && call.operation == Operation::Add && call.revision.is_none();
    if !races {
        return meet(layers, &call, body, fault).await;
    }
    tokio::time::sleep(RACE).await;
    layers.lock().unwrap().overwrite(&call, since);
    let reply = meet(layers, &call, body, None).await;
    let number = layers.lock().unwrap().race(&call);
    tokio::time::sleep(RACE).await;
    layers.lock().unwrap().races[number].over = true;
    reply
}

async fn meet(layers: &Shared, call: &Call, body: Value, fault: Option<CallFault>) -> Reply {
    if let Some(CallFault::Slow(millis)) = fault {
        return slowly(layers, call, body, millis, fault).await;
    }
    if let Some(CallFault::ResetLate(millis) | CallFault::HangsLate(millis)) = fault {
        perform_later(layers, call, body.clone(), millis);
    }
    let mut layers = layers.lock().unwrap();
    if let Some(CallFault::Another(action)) = fault {
        layers.another_acts(&call.arn, action, call.sid.as_deref());
    }
    let (status, reply) = match fault {
        None | Some(CallFault::Slow(_) | CallFault::Another(_)) => layers.perform(call, &body),
        Some(CallFault::Refused(429, _)) => throttled(false),
        Some(CallFault::ThrottledUntil) => throttled(true),
        Some(CallFault::Refused(status, code)) => refused(&Refusal::new(status, code, "a fault")),
        Some(CallFault::BrokenAfter(status)) => {
            layers.perform(call, &body);
            refused(&Refusal::new(status, "ServiceException", "a fault"))
        }
        Some(CallFault::ResetBefore | CallFault::ResetLate(_)) => (None, Reply::ConnectionClosed),
        Some(CallFault::ResetAfter) => {
            layers.perform(call, &body);
            (None, Reply::ConnectionClosed)
        }
        Some(CallFault::Hangs | CallFault::HangsLate(_)) => (None, Reply::NoResponse),
        Some(CallFault::HangsAfter) => {
            layers.perform(call, &body);
            (None, Reply::NoResponse)
        }
        Some(CallFault::Overwritten) => layers.perform_in_vain(call, &body),
        Some(CallFault::Stale) => layers.stale(call, &body),
        Some(CallFault::Unreadable(shape, effect)) => layers.unreadable(call, &body, shape, effect),
        Some(CallFault::WrittenOtherwise(form)) => layers.written_otherwise(call, &body, form),
        Some(CallFault::Hijacked) => layers.hijacked(call, &body),
    };
    layers.note(call, status, fault);
    reply
}

/// Takes effect and is answered so many milliseconds later: it takes effect too where nobody waits for the answer any more.
async fn slowly(
    layers: &Shared,
    call: &Call,
    body: Value,
    millis: u64,
    fault: Option<CallFault>,
) -> Reply {
    let (layers, call) = (Arc::clone(layers), call.clone());
    let key = call.credential.access_key.clone();
    layers.lock().unwrap().dealt(&key).to_come += 1;
    let answered = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let mut layers = layers.lock().unwrap();
        let (status, reply) = layers.perform(&call, &body);
        layers.note(&call, status, fault);
        layers.dealt(&key).to_come -= 1;
        reply
    });
    answered.await.unwrap()
}

fn perform_later(layers: &Shared, call: &Call, body: Value, millis: u64) {
    let (layers, call) = (Arc::clone(layers), call.clone());
    let key = call.credential.access_key.clone();
    layers.lock().unwrap().dealt(&key).to_come += 1;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let mut layers = layers.lock().unwrap();
        let addition = call.sid.clone().map(|sid| (call.arn.clone(), sid));
        let dealt = layers.dealt(&key);
        let is_repeated = addition.is_some_and(|addition| dealt.additions.contains(&addition));
        let (status, _) = layers.perform(&call, &body);
        let late = Call { status, ..call };
        layers.record.note(&format!("    late effect of {late}"));
        let dealt = layers.dealt(&key);
        dealt.repeated_late |= is_repeated && late.status == Some(201);
        dealt.to_come -= 1;
    });
}
