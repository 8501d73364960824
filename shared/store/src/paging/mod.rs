//! Pages of resources, the bookmarks between them, jumps over many of them, and the secret that seals cursors.

pub(crate) mod bookmark;
pub(crate) mod cursor_secret;
pub(crate) mod milestone;
pub(crate) mod page;
pub(crate) mod secret_cache;
