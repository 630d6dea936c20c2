//! Domain types become wire forms, and requests become what the use cases take.

mod definition;
mod presentation;
mod record;
mod request;
mod results;
mod session;
mod ticket;

pub use definition::{
    export_definition, export_definitions, output_definition, output_definitions, parameters,
};
pub use presentation::{export_changes, output_changes, parameter_changes};
pub use record::{blocking_reasons, file, model, model_status, settings, status_of};
pub use request::{export_request, initial, model_patch};
pub use results::{AssetHref, export_versions, exports, output_versions, outputs};
pub use session::{actions, templates};
pub use ticket::{decrypted_ticket, ticket_request};
