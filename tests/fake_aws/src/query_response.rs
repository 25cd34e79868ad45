//! Responses of the services that speak AWS's query protocol: XML, of which errors are the same in each.

use crate::http_server::HttpResponse;
use crate::lambda_responses::ApiResponse;
use crate::policies::ApiError;

/// A response with this XML.
pub(crate) fn new(status: u16, body: &str) -> ApiResponse {
    let headers = [("Content-Type", "text/xml")];
    (
        Some(status),
        HttpResponse::new(status, &headers, body.to_owned()),
    )
}

/// A failed call of the service with this namespace.
pub(crate) fn error(namespace: &str, error: &ApiError) -> ApiResponse {
    let (code, message) = (&error.code, &error.message);
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>
"
    );
    new(error.status, &body)
}
