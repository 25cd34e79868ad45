//! Events: whatever has a URL is answered, nobody is granted what the properties do not name, and what a Create gives its
//! Delete takes away.

use std::collections::BTreeSet;

use lambda_permission_provider::cloudformation::event::Event;
use lambda_permission_provider::cloudformation::physical_id::PhysicalId;
use lambda_permission_provider::cloudformation::request::{Envelope, Request, RequestType};
use lambda_permission_provider::cloudformation::response::{Answer, MOST_BYTES};
use lambda_permission_provider::deadline::Deadline;
use lambda_permission_provider::permission::goal::{Goals, Unwanted};
use lambda_permission_provider::permission::intent::{Intent, Purpose};
use lambda_permission_provider::permission::principal::Principal;
use lambda_permission_provider::permission::scope::Scope;
use lambda_permission_provider::permission::statement::Statement;
use serde_json::Value;

use super::{assert_one_line, places};

/// An event, which need not be JSON.
pub fn hold(input: &[u8]) -> Option<()> {
    let read = Event::read(input);
    is_read_as_by_a_parser(input, &read);
    let event = &read.json;
    let envelope = Envelope::open(event).ok()?;
    keeps_the_secret(&envelope);
    ends_in_time(&envelope);
    has_an_answer(&envelope);
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    assert_eq!(envelope.stack_id, text("StackId"));
    assert_eq!(envelope.request_id, text("RequestId"));
    assert_eq!(envelope.logical_id, text("LogicalResourceId"));
    assert_eq!(
        envelope.physical_id.as_deref().unwrap_or_default(),
        text("PhysicalResourceId")
    );
    if let Err(unreadable) = read.check() {
        assert_one_line(&unreadable.to_string());
        return Some(());
    }
    match Request::parse(&envelope, event) {
        Ok(request) => serve(&request),
        Err(malformed) => {
            assert_ne!(text("RequestType"), "Delete", "a Delete was refused");
            assert_one_line(&malformed.to_string());
        }
    }
    Some(())
}

/// What a parser takes is read as it stands; what it refuses is noted.
fn is_read_as_by_a_parser(input: &[u8], read: &Event) {
    let start = "\u{feff}".as_bytes();
    let json = serde_json::from_slice::<Value>(input.strip_prefix(start).unwrap_or(input));
    assert_eq!(read.unreadable().is_empty(), json.is_ok());
    if let Ok(json) = json {
        assert_eq!(json, read.json);
        assert_eq!(read.check(), Ok(()));
    }
}

/// Whatever the ids are, they fit into a response, or it says that they are too long.
fn has_an_answer(envelope: &Envelope) {
    let fits = envelope.check();
    if let Err(too_long) = &fits {
        assert_one_line(&too_long.to_string());
    }
    let body = Answer::failed(envelope, None, "why".to_owned()).body(envelope, "log");
    assert!(body.len() <= MOST_BYTES, "{} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(body["Reason"], "why");
    if fits.is_ok() {
        assert_eq!(body["StackId"], *envelope.stack_id);
        assert_eq!(body["RequestId"], *envelope.request_id);
        assert_eq!(body["LogicalResourceId"], *envelope.logical_id);
    }
}

/// However long the answer is waited for, it is given before Lambda ends the function.
fn ends_in_time(envelope: &Envelope) {
    let ends = Deadline::at(0);
    let sooner = envelope.waited_for_until.map(|end| ends.no_later_than(end));
    assert!(sooner.is_none_or(|sooner| sooner.reply <= ends.reply));
}

/// Nothing of the URL but its scheme and host is ever shown.
fn keeps_the_secret(envelope: &Envelope) {
    let shown = envelope.response_url.to_string();
    let host = shown
        .split_once("://")
        .and_then(|(_, rest)| rest.strip_suffix("?***"));
    assert!(
        host.is_some_and(|host| !host.contains(['/', '@', '?', '#'])),
        "{shown}"
    );
    assert!(format!("{envelope:?}").contains(&format!("response_url: {shown},")));
}

/// The laws of a request that was understood.
pub fn serve(request: &Request) {
    match (request.kind, Intent::of(request)) {
        (RequestType::Delete, Ok(intent)) => takes_away(request, &intent),
        (RequestType::Delete, Err(refused)) => panic!("a Delete was refused: {refused}"),
        (RequestType::Create | RequestType::Update, Ok(intent)) => gives(request, &intent),
        (RequestType::Create | RequestType::Update, Err(refused)) => {
            assert_one_line(&refused.to_string());
        }
    }
}

fn takes_away(request: &Request, intent: &Intent) {
    let goals = intent.goals.iter().chain(&intent.leftovers);
    assert!(intent.purpose != Purpose::Grant);
    assert!(
        goals.clone().all(|goals| goals.each.wanted.is_empty()),
        "a Delete gives"
    );
    let asked = request.physical_id.as_deref().unwrap_or("never-created");
    assert_eq!(intent.physical_id, asked);
}

fn gives(request: &Request, intent: &Intent) {
    let Some(goals) = &intent.goals else {
        panic!("nothing is given");
    };
    assert!(intent.purpose == Purpose::Grant && !goals.each.wanted.is_empty());
    assert!(matches!(
        PhysicalId::read(Some(&intent.physical_id)),
        PhysicalId::Granted { scope, .. } if scope == goals.scope
    ));
    let ids: BTreeSet<_> = goals
        .each
        .wanted
        .iter()
        .map(|statement| &statement.sid)
        .collect();
    assert_eq!(ids.len(), goals.each.wanted.len(), "an id twice");
    for statement in &goals.each.wanted {
        assert!(
            is_named(&statement.principal, request),
            "not asked for: {statement}"
        );
    }
    if let Some(leftovers) = &intent.leftovers {
        let meets = leftovers.scope == goals.scope
            || leftovers.scope.layer() == goals.scope.layer()
                && !matches!(
                    (&leftovers.scope, &goals.scope),
                    (Scope::This(_), Scope::This(_))
                );
        let takes = leftovers
            .each
            .unwanted
            .iter()
            .any(|unwanted| ids.contains(&unwanted.sid));
        assert!(!(meets && takes), "what is given is cleared away");
    }
    is_taken_away(request, intent, goals);
    places::hold(request);
}

/// Whether the properties name `principal`. A mistake must never make a grant wider, least of all public.
fn is_named(principal: &Principal, request: &Request) -> bool {
    let said = |name: &str| request.properties.get(name).map(Value::to_string);
    let says = |name: &str, text: &str| said(name).is_some_and(|said| said.contains(text));
    let organization = request.properties.contains_key("OrganizationId");
    match principal {
        Principal::Everyone => {
            !organization
                && (said("Principal").as_deref() == Some("\"*\"") || says("Principals", "*"))
        }
        Principal::Organization(id) => {
            let id = id.to_string();
            says("OrganizationId", &id) || says("Principals", &id)
        }
        Principal::Account(id) => {
            let id = id.to_string();
            !organization && (says("Principal", &id) || says("Principals", &id))
        }
    }
}

/// A Delete takes away exactly what is given, by the id that was answered or, when it overtakes the answer, without one;
/// and an Update that changes nothing is the same grant.
pub(super) fn is_taken_away(request: &Request, intent: &Intent, given: &Goals) {
    let answered = Some(intent.physical_id.clone());
    for (physical_id, purpose) in [
        (answered.clone(), Purpose::Revoke),
        (None, Purpose::RevokeEarly),
        (Some("stack-Share-1A2B3C".to_owned()), Purpose::RevokeEarly),
    ] {
        let delete = Request {
            kind: RequestType::Delete,
            physical_id,
            old_properties: None,
            ..request.clone()
        };
        let taken = Intent::of(&delete).map(|intent| (intent.purpose, intent.goals));
        let Ok((found, Some(taken))) = taken else {
            panic!("nothing is taken away: {taken:?}");
        };
        assert_eq!(
            (found, &taken.scope, &taken.role),
            (purpose, &given.scope, &given.role)
        );
        for statement in &given.each.wanted {
            let goes = taken
                .each
                .unwanted
                .iter()
                .any(|unwanted| is_meant(statement, unwanted));
            assert!(goes, "not taken away: {statement}");
        }
        for unwanted in &taken.each.unwanted {
            let ours = given
                .each
                .wanted
                .iter()
                .any(|statement| is_meant(statement, unwanted));
            assert!(ours, "not given: {unwanted}");
        }
    }
    let update = Request {
        kind: RequestType::Update,
        physical_id: answered,
        old_properties: Some(request.properties.clone()),
        ..request.clone()
    };
    let Ok(same) = Intent::of(&update) else {
        panic!("an Update that changes nothing was refused");
    };
    let goals = same.goals.as_ref().map(|goals| &goals.each.wanted);
    assert_eq!(
        (same.physical_id, goals),
        (intent.physical_id.clone(), Some(&given.each.wanted))
    );
}

/// Whether `unwanted` means `statement`: exactly, or as one of a list that goes by its id alone.
fn is_meant(statement: &Statement, unwanted: &Unwanted) -> bool {
    let of_list = unwanted.sid.of_each(&statement.principal);
    *unwanted == Unwanted::exactly(statement.clone())
        || unwanted.principal().is_none() && of_list.as_ref() == Some(&statement.sid)
}
