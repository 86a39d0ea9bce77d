// Package rightshttp lets a host offer the rights desk as JSON over HTTP: to people, in
// their account or without one, to their agents, and to its staff.
//
//	h, err := rightshttp.New(rightshttp.Config{Desk: desk, Authenticate: caller})
//	mux.Handle("/privacy/", http.StripPrefix("/privacy", h))
//	go desk.Run(ctx) // carries out what was accepted; Kit.Run does it
//
// The host's [Config] says who calls, and for which tenant: nothing in a request can
// choose another. People see their own requests and no others', which are not found;
// agents those that they submitted; staff the tenant's. Whoever has no account is given a
// token with the answer to their submission, and sends it as the header Request-Token.
// [OpenAPI] describes all calls; docs/rights-http.md says how they belong together, from a
// request to the copy or the erasure, and examples/rightshttp is a whole host.
//
// A call that changes something may have an Idempotency-Key: then the same call is
// answered the same and does nothing again, also after a crash, and another one under the
// key is refused. Everybody but staff is limited in how often they change something.
// Answers are never cached, and errors are problems of RFC 9457 with a code of a closed
// list: nothing of a call comes back in one.
//
// # Downloads
//
// Whoever asked for data has an export made ready, and is given a link, which is good
// once and for a while, and a passphrase, if they gave no key. GET and HEAD of the link
// show a page with a button and use nothing up; POST gives the archive, encrypted. It is
// whole before its first byte is sent: what fails before uses nothing up. If the connection breaks after
// that the link is used, because somebody has a part of the archive, and the person has
// another made: the request stays open until they, or staff, say that they have it.
//
// # What it does not promise
//
// Cross-site calls are kept out by what browsers say of them, and by the content type,
// which no form can send. The host that authenticates by cookies sees to the rest. Limits
// are counted by process, by the LimitKey that the host gives.
//
// # Errors
//
// Those of package rights, as codes; what is not known is "failed", status 500, and
// logged.
//
// # Concurrency
//
// A Handler is safe for concurrent use, and starts no goroutine.
//
// # Storage
//
// None but the desk's, and a temporary file without a name while an archive is sent,
// encrypted. Limits are counted in memory.
//
// # Compatibility
//
// Paths, fields and codes stay; others may be added.
package rightshttp
