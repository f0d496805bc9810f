//! OData v4 text: keys, filters, batches, metadata, delta links. Parse and print, no sockets.
