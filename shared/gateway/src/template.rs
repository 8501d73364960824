//! What template.yaml says to API Gateway: which function answers which request, and how the gateway refuses one itself.

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The API that template.yaml declares.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) stage: String,
    pub(crate) routes: Vec<Route>,
    /// By their names in API Gateway, `UNAUTHORIZED` and so on.
    pub(crate) refusals: BTreeMap<String, GatewayResponse>,
}

/// A method of a path, and the function behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    pub(crate) path: String,
    /// In capitals; `None` is every method that no other route of the path has.
    pub(crate) method: Option<String>,
    /// The logical id, `UsersCreate`.
    pub(crate) function: String,
    /// Whether it is called without a token.
    pub(crate) open: bool,
}

/// An answer of the gateway's own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GatewayResponse {
    pub(crate) status_code: u16,
    response_parameters: ResponseParameters,
    response_templates: BTreeMap<String, String>,
}

impl GatewayResponse {
    /// Names and values; API Gateway wants a constant value in quotes.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.response_parameters.headers.iter().map(|(name, value)| (name.as_str(), value.trim_matches('\'')))
    }

    pub(crate) fn body(&self) -> &str {
        self.response_templates.get("application/json").map_or("", String::as_str)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResponseParameters {
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: Properties,
}

/// Of all kinds of resource, what this gateway reads.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Properties {
    events: BTreeMap<String, Event>,
    stage_name: Option<String>,
    gateway_responses: BTreeMap<String, GatewayResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(default)]
    properties: EventProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EventProperties {
    path: Option<String>,
    method: Option<String>,
    auth: Auth,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Auth {
    authorizer: Option<String>,
}

impl Api {
    /// Reads the template that this program was built with.
    ///
    /// # Errors
    /// With a sentence, if it is no template with an API.
    pub(crate) fn read() -> Result<Self, String> {
        let template: Result<Template, _> = serde_saphyr::from_str(TEMPLATE);
        let mut template = template.map_err(|error| format!("template.yaml cannot be read: {error}"))?;
        let routes = template.routes();
        let mut apis = template.resources.values_mut().filter(|it| it.kind == "AWS::Serverless::Api");
        let api = &mut apis.next().ok_or("template.yaml declares no API")?.properties;
        let stage = api.stage_name.take().ok_or("the API in template.yaml has no stage")?;
        Ok(Api { stage, routes, refusals: std::mem::take(&mut api.gateway_responses) })
    }
}

impl Template {
    fn routes(&self) -> Vec<Route> {
        let mut routes = Vec::new();
        for (function, resource) in &self.resources {
            for event in resource.properties.events.values() {
                if let EventProperties { path: Some(path), method: Some(method), auth } = &event.properties {
                    let open = auth.authorizer.as_deref() == Some("NONE");
                    routes.push(Route { path: path.clone(), method: verb(method), function: function.clone(), open });
                }
            }
        }
        routes
    }
}

fn verb(method: &str) -> Option<String> {
    match method.to_ascii_uppercase().as_str() {
        "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => None,
        method => Some(method.to_owned()),
    }
}
