// Package troth holds the vocabulary and the seams of an SDK that keeps the
// promises of a privacy policy, and can prove that it did.
//
// The work is done by packages that stand beside each other and never import
// one another; they meet only here, in small interfaces:
//
//   - vault seals data under a key per tenant, person and compartment, and
//     destroys those keys;
//   - audit records evidence, in a signed log that others can verify; below it,
//     redact keeps personal data out of the host's own logs;
//   - consent keeps what was asked, shown, given and withdrawn, and decides by it;
//   - unsubscribe keeps who must not be written to, and is asked before every
//     message;
//   - retention says what must be kept and what must go, and explains it;
//   - task keeps work that must happen later or elsewhere until it is done;
//   - deadline counts legal and promised clocks, and explains the count;
//   - storage holds the adapters: memory, and SQL for SQLite and PostgreSQL;
//   - kit wires what exists on one database handle, and is the shortest way in.
//
// A host needs few words of its own: a [Tenant] is the host's customer, a
// [Subject] is a person whose data that customer holds, an [Actor] is who acts,
// a [Purpose] is why. The host's middleware puts the actor in the context once,
// with [WithActor]; everything that opens data or destroys it reads it there.
//
// # Errors
//
// Expected states are sentinels, matched with errors.Is; facts that a caller
// needs in order to react are typed errors. No error carries personal data:
// identifiers that fail validation are described, never quoted.
//
// # Concurrency
//
// All services are safe for concurrent use. A context that carries a
// transaction belongs to one goroutine at a time, see [ErrTxConcurrent].
//
// # Storage
//
// Every store joins the host's own database transaction, see [Transactor].
//
// # Compatibility
//
// Before version 1 the Go API may change between minor versions. Bytes that
// were stored or signed stay readable: their formats are versioned and written
// down in docs/formats.md.
package troth
