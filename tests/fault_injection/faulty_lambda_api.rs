//! Serves Lambda's API for policies to the execution environments, with the faults of each of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fake_aws::api_call::{ApiCall, CredentialScope, Operation};
use fake_aws::cloudformation_api::error_response as stack_error_response;
use fake_aws::http_server::{HttpRequest, HttpResponse, serve};
use fake_aws::lambda_responses::error_response;
use fake_aws::policies::ApiError;
use serde_json::Value;

use crate::fault::CallFault;
use crate::layers::Layers;
use crate::organization;
use crate::trace::Trace;

/// The account of the function.
const ACCOUNT: &str = "123456789012";

/// A path that names a layer or a function by its ARN, and one of the function's partition and region, the only ones that its
/// endpoint accepts.
const ARN_PATH: &str = "s/arn";
const OWN_ARN_PATH: &str = "s/arn%3Aaws%3Alambda%3Aeu-west-1%3A";

/// How long after an unconditional write another one still overwrites it.
const RACE: Duration = Duration::from_millis(10);

type SharedLayers = Arc<Mutex<Layers>>;

#[derive(Clone)]
pub struct FaultyLambdaApi {
    pub address: SocketAddr,
    layers: SharedLayers,
}

impl FaultyLambdaApi {
    pub async fn start(trace: Trace) -> Self {
        let layers = Arc::new(Mutex::new(Layers::new(trace)));
        let shared = Arc::clone(&layers);
        let address = serve(move |request| {
            let layers = Arc::clone(&shared);
            async move { respond(&layers, request).await }
        })
        .await;
        Self { address, layers }
    }

    pub fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap()
    }

    /// Waits until all calls signed by this access key have taken effect.
    pub async fn wait_for_pending_effects(&self, access_key: &str) {
        while self.layers().environment(access_key).pending_effects > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn respond(layers: &SharedLayers, request: HttpRequest) -> HttpResponse {
    let access_key = CredentialScope::from_request(&request).access_key;
    let is_of_organization = request.headers["authorization"]
        .to_str()
        .is_ok_and(|signed| signed.contains("/sts/") || signed.contains("/organizations/"));
    if !is_of_organization {
        layers.lock().unwrap().environment(&access_key).calls += 1;
    }
    if request.target.contains(ARN_PATH) && !request.target.contains(OWN_ARN_PATH) {
        let message = "the ARN is of another region";
        return error_response(&ApiError::new(400, "ValidationException", message)).1;
    }
    let call = ApiCall::parse(&request, ACCOUNT);
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let (fault, mark) = {
        let mut layers = layers.lock().unwrap();
        layers.check_guardrails(&call, &body);
        let mark = layers.unconditional_writes.mark();
        let fault = layers.environment(&access_key).next_fault(call.operation);
        (fault, mark)
    };
    if call.operation == Operation::Describe {
        return respond_of_stack(layers, &call, fault).await;
    }
    if is_of_organization {
        if let Some(CallFault::Delayed(millis)) = fault {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        let layers = layers.lock().unwrap();
        let (status, response) =
            organization::respond(&layers.organization, &call, &request, fault);
        layers.trace_call(&call, status, fault);
        return response;
    }
    let is_unconditional = call.operation == Operation::Add && call.revision.is_none();
    if fault.is_none() && is_unconditional {
        add_unconditionally(layers, &call, &body, mark).await
    } else {
        respond_with_fault(layers, &call, body, fault).await
    }
}

/// A question about the stack, which meets transient faults only.
async fn respond_of_stack(
    layers: &SharedLayers,
    call: &ApiCall,
    fault: Option<CallFault>,
) -> HttpResponse {
    if let Some(CallFault::Delayed(millis)) = fault {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let mut layers = layers.lock().unwrap();
    let (status, response) = match fault {
        Some(CallFault::Rejected(..) | CallFault::ThrottledWithRetryAfter) => {
            stack_error_response(&ApiError::new(400, "Throttling", "Rate exceeded"))
        }
        Some(CallFault::FailsAfterEffect(status)) => {
            stack_error_response(&ApiError::new(status, "InternalFailure", "try again"))
        }
        Some(CallFault::ClosedBeforeEffect | CallFault::ClosedAfterEffect) => {
            (None, HttpResponse::ConnectionClosed)
        }
        _ => layers.stack.describe(call),
    };
    layers.trace_call(call, status, fault);
    response
}

/// An addition that races with those of others, since `mark` and until its response is sent.
async fn add_unconditionally(
    layers: &SharedLayers,
    call: &ApiCall,
    body: &Value,
    mark: usize,
) -> HttpResponse {
    tokio::time::sleep(RACE).await;
    let response = {
        let mut layers = layers.lock().unwrap();
        layers.overwrite(call, mark);
        let (status, response) = layers.perform(call, body);
        layers.trace_call(call, status, None);
        if status == Some(201) {
            layers.unconditional_writes.record(call);
        }
        response
    };
    tokio::time::sleep(RACE).await;
    layers.lock().unwrap().unconditional_writes.complete(call);
    response
}

async fn respond_with_fault(
    layers: &SharedLayers,
    call: &ApiCall,
    body: Value,
    fault: Option<CallFault>,
) -> HttpResponse {
    if let Some(CallFault::Delayed(millis)) = fault {
        return respond_delayed(layers, call, body, millis).await;
    }
    if let Some(
        CallFault::ClosedWithLateEffect(millis) | CallFault::NoResponseWithLateEffect(millis),
    ) = fault
    {
        perform_later(layers, call, body.clone(), millis);
    }
    let mut layers = layers.lock().unwrap();
    let (status, response) = match fault {
        None => layers.perform(call, &body),
        Some(fault) => layers.perform_with_fault(call, &body, fault),
    };
    layers.trace_call(call, status, fault);
    response
}

/// Takes effect and responds so many milliseconds later; also takes effect if the client has stopped waiting by then.
async fn respond_delayed(
    layers: &SharedLayers,
    call: &ApiCall,
    body: Value,
    millis: u64,
) -> HttpResponse {
    let (layers, call) = (Arc::clone(layers), call.clone());
    let access_key = call.credential.access_key.clone();
    layers
        .lock()
        .unwrap()
        .environment(&access_key)
        .pending_effects += 1;
    let response = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let mut layers = layers.lock().unwrap();
        let (status, response) = layers.perform(&call, &body);
        layers.trace_call(&call, status, Some(CallFault::Delayed(millis)));
        layers.environment(&access_key).pending_effects -= 1;
        response
    });
    response.await.unwrap()
}

/// Takes effect so many milliseconds later, without a response.
fn perform_later(layers: &SharedLayers, call: &ApiCall, body: Value, millis: u64) {
    let (layers, call) = (Arc::clone(layers), call.clone());
    let access_key = call.credential.access_key.clone();
    layers
        .lock()
        .unwrap()
        .environment(&access_key)
        .pending_effects += 1;
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let mut layers = layers.lock().unwrap();
        let addition = call.sid.clone().map(|sid| (call.arn.clone(), sid));
        let environment = layers.environment(&access_key);
        let is_duplicate = addition.is_some_and(|added| environment.additions.contains(&added));
        let (status, _) = layers.perform(&call, &body);
        let late = ApiCall { status, ..call };
        layers.trace.note(&format!("    late effect of {late}"));
        let environment = layers.environment(&access_key);
        environment.has_late_duplicate |= is_duplicate && late.status == Some(201);
        environment.pending_effects -= 1;
    });
}
