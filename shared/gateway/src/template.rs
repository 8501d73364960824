//! The declarations of template.yaml for API Gateway: the function of each route, and the gateway's own error
//! responses.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The text of template.yaml.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The reason why this gateway cannot serve the API that template.yaml declares.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("template.yaml cannot be read")]
    Syntax(#[source] serde_saphyr::Error),
    #[error("template.yaml declares no API")]
    NoApi,
    #[error("the API in template.yaml has no stage")]
    NoStage,
    #[error("the route {path} in template.yaml cannot be served")]
    Route { path: String, source: matchit::InsertError },
    #[error("GatewayResponses in template.yaml has no {0}")]
    NoGatewayResponse(&'static str),
}

/// The API that template.yaml declares.
#[derive(Debug)]
pub struct Api {
    pub stage: String,
    pub routes: Vec<ApiRoute>,
    /// Its own error responses, by their types in API Gateway (`UNAUTHORIZED` and so on).
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
}

/// A path and a method, and the function that they invoke.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiRoute {
    pub path: String,
    /// In upper case. `None` stands for every method that no other route of the path has.
    pub method: Option<String>,
    /// The logical id, such as `UsersCreate`.
    pub function: String,
    /// Whether the route needs no token.
    pub is_public: bool,
}

/// An error response that the gateway makes itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GatewayResponse {
    pub status_code: u16,
    response_parameters: ResponseParameters,
    response_templates: BTreeMap<String, String>,
}

impl GatewayResponse {
    /// Names and values. The template quotes constant values, as API Gateway requires.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.response_parameters.headers.iter().map(|(name, value)| (name.as_str(), value.trim_matches('\'')))
    }

    pub fn body(&self) -> &str {
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
    resources: BTreeMap<String, TemplateResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TemplateResource {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    properties: ResourceProperties,
}

/// The properties that this gateway reads, of any type of resource.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ResourceProperties {
    events: BTreeMap<String, FunctionEvent>,
    stage_name: Option<String>,
    gateway_responses: BTreeMap<String, GatewayResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionEvent {
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
    /// [`TemplateError::Syntax`], [`TemplateError::NoApi`] and [`TemplateError::NoStage`].
    pub fn read() -> Result<Self, TemplateError> {
        let mut template: Template = serde_saphyr::from_str(TEMPLATE).map_err(TemplateError::Syntax)?;
        let routes = template.routes();
        let mut apis = template.resources.values_mut().filter(|it| it.kind == "AWS::Serverless::Api");
        let api = &mut apis.next().ok_or(TemplateError::NoApi)?.properties;
        let stage = api.stage_name.take().ok_or(TemplateError::NoStage)?;
        Ok(Api { stage, routes, gateway_responses: std::mem::take(&mut api.gateway_responses) })
    }
}

impl Template {
    fn routes(&self) -> Vec<ApiRoute> {
        let mut routes = Vec::new();
        for (function, resource) in &self.resources {
            for event in resource.properties.events.values() {
                if let EventProperties { path: Some(path), method: Some(method), auth } = &event.properties {
                    routes.push(ApiRoute {
                        path: path.clone(),
                        method: method_name(method),
                        function: function.clone(),
                        is_public: auth.authorizer.as_deref() == Some("NONE"),
                    });
                }
            }
        }
        routes
    }
}

/// `None` stands for any method.
fn method_name(method: &str) -> Option<String> {
    match method.to_ascii_uppercase().as_str() {
        "ANY" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => None,
        method => Some(method.to_owned()),
    }
}
