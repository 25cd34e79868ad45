//! Organizations' `ListAccounts`: the accounts of an organization, a page at a time, and where each of them is.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api_call::ApiCall;
use crate::http_server::HttpResponse;
use crate::lambda_responses::ApiResponse;
use crate::policies::ApiError;

/// The most accounts on a page.
const PAGE_SIZE: usize = 20;

/// The organization and its root.
pub const ROOT: &str = "o-abc1234567/r-abcd";

/// An account of the organization.
#[derive(Debug, Clone)]
struct Account {
    state: String,
    /// The ids of the units that it is in, with `/` between.
    units: String,
}

/// The accounts of the organization, by their ids.
#[derive(Debug, Default)]
pub struct Organization {
    accounts: BTreeMap<String, Account>,
    /// How many accounts a page has, where that is less than 20: Organizations does not guarantee full pages.
    pub page_size: Option<usize>,
}

impl Organization {
    /// The active account `id` is in these units, the outermost one first, with `/` between; none where it is in the root.
    pub fn place(&mut self, id: &str, units: &str) {
        self.set(id, "ACTIVE", units);
    }

    /// The same for an account in any state.
    pub fn set(&mut self, id: &str, state: &str, units: &str) {
        let (state, units) = (state.to_owned(), units.to_owned());
        self.accounts
            .insert(id.to_owned(), Account { state, units });
    }

    /// The account leaves the organization.
    pub fn remove(&mut self, id: &str) {
        self.accounts.remove(id);
    }

    /// The active accounts in `unit` or in a unit in it.
    #[must_use]
    pub fn members(&self, unit: &str) -> Vec<String> {
        let accounts = self.accounts.iter();
        let members = accounts.filter(|(_, account)| {
            account.state == "ACTIVE" && account.units.split('/').any(|of| of == unit)
        });
        members.map(|(id, _)| id.clone()).collect()
    }

    /// Responds to a call.
    ///
    /// # Panics
    /// The token is none of a page.
    #[must_use]
    pub fn list(&self, call: &ApiCall) -> ApiResponse {
        let first: usize = call.sid.as_ref().map_or(0, |token| token.parse().unwrap());
        let size = self.page_size.unwrap_or(PAGE_SIZE);
        let page = self.accounts.iter().skip(first).take(size);
        let page: Vec<Value> = page.map(|(id, account)| account.to_json(id)).collect();
        let next = first + size;
        let mut body = json!({"Accounts": page});
        if next < self.accounts.len() {
            body["NextToken"] = json!(next.to_string());
        }
        response(200, &body)
    }
}

impl Account {
    fn to_json(&self, id: &str) -> Value {
        let units = Some(self.units.as_str()).filter(|units| !units.is_empty());
        let units = units.map(|units| format!("/{units}")).unwrap_or_default();
        json!({
            "Arn": format!("arn:aws:organizations::999999999999:account/o-abc1234567/{id}"),
            "Email": format!("{id}@example.com"),
            "Id": id,
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": 1_700_000_000.5,
            "Name": format!("Account {id}"),
            "Paths": [format!("{ROOT}{units}/{id}/")],
            "State": self.state,
        })
    }
}

/// A failed call.
#[must_use]
pub fn error_response(error: &ApiError) -> ApiResponse {
    response(
        error.status,
        &json!({"__type": error.code, "Message": error.message}),
    )
}

fn response(status: u16, body: &Value) -> ApiResponse {
    let headers = [("Content-Type", "application/x-amz-json-1.1")];
    (
        Some(status),
        HttpResponse::new(status, &headers, body.to_string()),
    )
}
