// Package httpprovider is a reference for telling a mail provider of opt-outs over
// HTTP: it speaks a small protocol that a provider's own API, or a proxy of the
// host's in front of it, can be given.
//
//	p, err := httpprovider.New("https://mailer.example/v1", httpprovider.WithHeader("Authorization", "Bearer …"))
//	registry, err := unsubscribe.New(ctx, config, unsubscribe.WithProvider("mailer", p), …)
//
// All calls are POST with a JSON body, so that no address stands in a URL:
//
//	/suppressions  {"address", "channel", "scope", "list", "said_at"}   2xx
//	/removals      {"address", "channel"}                               2xx, or 404 where there is no contact
//	/lookups       {"address", "channel", "scope", "list"}              200 {"suppressed": bool, "contact": bool}
//
// The first two carry an Idempotency-Key, which is the same for every attempt at one
// opt-out: a provider that has seen it answers as before and does nothing.
//
// # Errors
//
// *[StatusError] for an answer that is no success. 408, 425, 429 and 5xx may pass;
// every other is permanent, and a person must look. Retry-After is heeded, as far as the
// deadline allows. No error quotes the provider,
// whose words may hold the address.
package httpprovider
