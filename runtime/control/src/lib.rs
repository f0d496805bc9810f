//! The runtime's own HTTP: nudges from both systems, status, dead letters.
