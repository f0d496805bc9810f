//! For authors of map components.
