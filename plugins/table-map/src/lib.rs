//! The guest that runs declarative maps; also the definition of the map language.
