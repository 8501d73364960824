//! Pages of resources, the bookmarks between them, and the secret that seals cursors.

pub(crate) mod bookmark;
pub(crate) mod cursor_secret;
pub(crate) mod page;
