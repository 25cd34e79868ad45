//! The environment of a scenario: two execution environments of the provider, and Lambda's API with faults. It serves one scenario
//! after the other.

use crate::execution_environment::ExecutionEnvironment;
use crate::faulty_lambda_api::FaultyLambdaApi;
use crate::guardrails::Guardrails;
use crate::trace::Trace;

pub struct TestEnv {
    pub lambda_api: FaultyLambdaApi,
    pub environments: [ExecutionEnvironment; 2],
    pub trace: Trace,
}

impl TestEnv {
    pub async fn start() -> Self {
        let trace = Trace::new();
        let lambda_api = FaultyLambdaApi::start(trace.clone()).await;
        let environments = [
            ExecutionEnvironment::start('A', &lambda_api, &trace).await,
            ExecutionEnvironment::start('B', &lambda_api, &trace).await,
        ];
        Self {
            lambda_api,
            environments,
            trace,
        }
    }

    /// Configures the function with `guardrails`.
    pub async fn configure(&self, guardrails: &Guardrails) {
        for environment in &self.environments {
            environment.configure(guardrails).await;
        }
    }
}
