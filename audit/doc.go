// Package audit keeps evidence of what was done with personal data: who did
// what, to whose data, for which purpose, and when. GDPR Article 5(2) asks a
// controller to demonstrate that it keeps the rules; this is where it can.
//
// An entry is written inside the transaction of the act that it tells of: both
// commit or neither does, and an act whose evidence cannot be stored fails. It
// is stored as an envelope, canonical bytes that are never encoded again from
// columns, so that what was hashed or signed stays what is stored.
//
// People are named by pseudonyms: values that look random, which stand for one
// person of one tenant until the link between the two is destroyed. That link is
// a keyed hash for looking up, and the person's id, sealed in a compartment of
// its own with its own retention, so that the proof of an act can outlive the
// erasure of other data, and no longer than the law wants it. A person can be
// given the [Opening] of their pseudonym before it dies.
//
// What may be personal and belongs to an act, such as an address or free text,
// is its payload: parts, each sealed under the key of the person whom it
// concerns. The entry holds commitments to them only. So after an erasure every
// proof holds as before, and [Trail.Parts] says which entry tells of it.
//
// The trail has a retention of its own. [Trail.DropParts] destroys payloads by
// age, [Trail.Redact] reduces an entry to its hash, [Trail.Prune] cuts off the
// beginning of the log behind a signed checkpoint. Each demands a permit, and
// an entry tells of it in the same transaction.
//
// # The log
//
// Entries are committed to an inbox. [Trail.Run], or [Trail.Sequence] for one
// step, moves them into a log: an append-only Merkle tree (RFC 6962), of which a
// [Signer] signs the size and the root, the checkpoints. Any number of processes
// may run it; one at a time moves the log. [Trail.Await] waits for an entry.
//
// Who has the verifier key, and nothing else of the host's, can then check:
//
//   - that an entry is in the log: [Trail.Prove], [VerifyProof];
//   - that these are all entries of a tenant, none cut off: [Trail.Export],
//     [VerifyTenant];
//   - that the log only grew from one checkpoint to the next: [Trail.Consistency],
//     [VerifyConsistency].
//
// The forms are public ones: C2SP signed-note, tlog-checkpoint, tlog-proof and
// tlog-tiles. [Trail.Handler] and [Trail.Publish] give away tiles of hashes and
// checkpoints, which name nobody; entries are handed out per tenant. The host
// itself checks its store with [Trail.Verify], which names the first thing that
// does not fit. The program examples/auditverify does for strangers what the
// Verify functions do, in plain words.
//
// # What it does not promise
//
// Pseudonyms and keyed hashes are still personal data in law (GDPR Recital 26
// and Article 4(5)): who has the store and the keys can tell whom an entry
// concerns. Entries belong into answers to requests for access, and pseudonyms
// need a retention of their own. [Trail.ForgetPseudonym] destroys the link;
// what is left is anonymous only as far as the facts of the entries are.
//
// Programs are named in clear: the id of a service must not name a person.
//
// Entries wait in an inbox. They are durable there, and not tamper-evident:
// who can write to the database can delete them unseen. A row that was changed,
// forged or put back is not taken into the log, but set aside, and the trail says
// so. [Trail.Backlog] tells how many wait and for how long. The rows of pseudonyms
// are authenticated: one that was changed fails with [ErrPseudonym]. One that was
// deleted, or an older one that was put back, is not noticed.
//
// The log is the host's, and so is the key. Who has both can sign another
// history, and so can an honest host that puts back an older copy of the database.
// Nothing inside the store shows that; a checkpoint that somebody else holds does.
// So give checkpoints away: to a [Sink], which Sequence asks before it goes on
// ([*RolledBackError]), to tenants with their exports, to witnesses
// ([WithWitness]). After a restore the log goes on with [Trail.Continue], under
// another origin. A trail without a signer only records, and reads.
//
// The log shows that entries were not changed. It does not show that they were
// true, nor that everything that was done was recorded.
//
// The times are those of the host's clock. Entries are listed in the order of
// their positions, the pending ones behind in the order of their ids.
//
// # Use
//
//	store, err := auditsql.New(ctx, handle) // or auditmem.New(db), in memory
//	trail, err := audit.New(ctx, store, keys, sealer) // a vault is a sealer, see New
//	...
//	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim"})
//	err = handle.Atomically(ctx, func(ctx context.Context) error {
//		// the act itself
//		_, err := trail.Record(ctx, troth.Entry{Act: exported, Tenant: "acme", SubjectID: "17"})
//		return err
//	})
//	for r, err := range trail.Entries(ctx, "acme", audit.Query{}) {
//		fmt.Println(r, err)
//	}
//
// With the log, where package kit does not do it all:
//
//	key, err := audit.GenerateSigningKey("example.com/audit") // once; keep key.Secret
//	trail, err := audit.New(ctx, store, keys, sealer,
//		audit.WithSigner(key), audit.WithSink(audit.FileSink("/mnt/other/checkpoint")))
//	go trail.Run(ctx)
//	...
//	proof, err := trail.Prove(ctx, "acme", id)
//	report, err := trail.Verify(ctx, audit.VerifyParams{})
//
// [WriteJSONL] and [WriteCSV] write entries for people and their tools.
//
// # Errors
//
// Sentinels, and [*EntryError] for a stored entry that cannot be read,
// [*DamageError] for a log that is not what was written, [*KeyError] for a
// signature. Of what a stranger gives to verify, [ErrNotProof] and [ErrNote] say
// that it cannot be read, [ErrProof] that it does not hold. Errors of the root
// package come through: troth.ErrNoActor, *troth.ActError,
// troth.ErrNotPermitted. Errors of store, keys and sealer are wrapped once.
//
// # Concurrency
//
// A Trail is safe for concurrent use. New starts no goroutine; those that a call
// starts, of Run or of Verify, end before it returns, but for one in a [Sink] that
// hangs. A Trail keeps no pseudonym in memory: Record reads those of actor and
// subject each time, so a pseudonym that was forgotten is used by no transaction
// that can see so.
//
// # Storage
//
// See [Backend] and its parts; the suite is in audittest. Memory of the sequencer
// and of Verify grows with the number of tenants, not of entries. Keys must stay the same for the life
// of the store: under other keys nobody's pseudonym is found, and everybody
// gets a second one.
//
// # Compatibility
//
// Envelopes, leaves and bundles are versioned; every version that was ever
// written stays readable, and what was given to somebody verifies with every later
// version. docs/formats.md gives their bytes.
package audit
