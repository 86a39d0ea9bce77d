// Package rightshttp lets a host offer the rights desk as JSON over HTTP: to people, in
// their account or without one, and to its staff.
//
//	h, err := rightshttp.New(rightshttp.Config{Desk: desk, Authenticate: caller})
//	mux.Handle("/privacy/", http.StripPrefix("/privacy", h))
//
// The host's [Config] says who calls, and for which tenant: nothing in a request can
// choose another. People see their own requests and no others', which are not found;
// staff see the tenant's. [OpenAPI] describes all of it.
//
// An Idempotency-Key makes submitting idempotent for the caller. Everybody is limited in
// how often they change something. Answers are never cached, and errors are a word of a
// closed list: no text of a request comes back in one.
//
// # What it does not promise
//
// Cross-site requests are kept out by the content type: a body must be application/json,
// which no form can send. The host that authenticates by cookies sees to the rest.
//
// # Errors
//
// Those of package rights, as status and word; what is not known is "failed", status 500,
// and logged.
//
// # Concurrency
//
// A Handler is safe for concurrent use, and starts no goroutine.
//
// # Storage
//
// None but the desk's. Limits are counted in memory, by process.
//
// # Compatibility
//
// Paths and fields stay; fields and words may be added.
package rightshttp
