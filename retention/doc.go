// Package retention keeps the promises about how long data stays: policies that
// are data, linted before they hold, explained for every record, and carried out
// as written.
//
// A [Policy] has classes of data with stages, events that move records, copies in
// which they lie, promises, and what the law demands to be kept. [Parse] reads it
// from JSON, [ParseYAML] from YAML. A [History] holds the versions of one policy and
// decides:
//
//	policy, err := retention.ParseYAML(text)
//	history, err := retention.NewHistory(policy)
//	d := history.Evaluate(&retention.Facts{
//		Record: "file/17", Class: "content",
//		State:  retention.State{Stage: "trashed", Since: trashed},
//		Cohort: 1, Known: retention.KnownAll,
//	}, time.Now())
//	fmt.Println(d) // file/17: content trashed: inaccessible at …; purge by …
//
// What must be kept and what must go are found separately, and a [Decision] says
// what decided: a hold goes before a legal minimum, that before everything else;
// then come promises and, for what expires by the policy itself, the record's label,
// its class, the default. Of several ends the earliest binds. An [Exception] puts off
// the policy's own expiry, and never an [Erasure] that was granted. Nothing that
// keeps a record from being destroyed keeps it in sight. What is not known never
// destroys.
//
// A [Keeper] carries that out, and alone gives leave to destroy. Hosts register their
// record types with a [Handler], and report in their own transactions what comes to be
// and what happens; [Keeper.Run] sweeps:
//
//	k, err := retention.New(ctx, retention.Config{Store: store, Recorder: trail, Manages: stores},
//		retention.WithRecords("file", retention.Registration{Handler: files}))
//	err = k.Activate(ctx, policy)
//	err = k.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: owner})
//	err = k.Happened(ctx, key, retention.Occurrence{Event: "trashed"})
//	err = k.HappenedTo(ctx, retention.Whole{Tenant: t, ID: account}, retention.Occurrence{Event: "account.closed"})
//	err = k.Run(ctx)
//
// Nothing is destroyed but by an [Order] with a permit, which is for that record, in
// that version and stage, under that policy, inside the transaction in which the
// decision was made. A legal hold, see [Keeper.Place], that commits before that
// transaction does keeps what it covers. For the data of the other packages the keeper
// is their troth.Disposer.
//
// What else people decide is on record too: exceptions, see [Keeper.ProposeException],
// erasures that were granted, see [Keeper.GrantErasure], and what is decided where one
// thing stands against another, see [Keeper.Conflicts]. With [WithKeys], [WithEvidence]
// and [WithOutside] the keeper notices who changed holds, exceptions or policies past it, or
// put an older database back, and destroys nothing meanwhile. Content that is processed and
// never kept goes through [Keeper.Transient].
//
// # Before anything goes
//
// [Keeper.Preview] says what a sweep would do now, by the sweep's own evaluation, as
// counts and a few records with reasons. The first records ever to go wait for a plan
// that two people approved, out of sight:
//
//	plan, err := k.Preview(ctx)
//	fmt.Print(plan)
//	err = k.Propose(officer, plan)               // contexts with two people as actors
//	err = k.Approve(counsel, plan.Hash())
//
// So do records beyond a [Ceiling], and a version that makes records go earlier, see
// [Keeper.PreviewActivation]. A host whose records do neither is asked once, and may be
// on its first day, when the plan is empty; [UnsafeWithoutApproval] asks nobody.
// [Keeper.Sweep] returns an [*ApprovalError] as long as something waits.
// [Keeper.StopAll] stops all destruction at once, in a tenant or everywhere.
//
// # Copies
//
// A record is gone when its last copy is. What lies in the same database the handler
// destroys, and a simple host needs no more. A search index, a warehouse or a provider has
// a [Connector], see [WithCopy]: the transaction that destroys the record commits a
// warrant for it, with work that tells the copy after that, as often as it takes. Paper
// waits for a person, see [Keeper.ConfirmCopy]; backups and logs expire, and by when is
// computed. [Keeper.Gone] says where each copy stands. The commit is the cut-off for
// holds: [Keeper.TooLate] names what a hold came too late for.
//
// [Keeper.Tend] sees to what comes after: it judges each record by its promise when the last
// copy is gone, and tells a [Lookout] before a promise breaks. [Keeper.Report] says of every
// promise whether it is kept, at risk or broken, and what shows it; [Keeper.Certify] issues a
// certificate about single records that strangers can check.
//
// # Time
//
// Periods of days, weeks, months and years end with the end of a day in the
// policy's zone, the day on which they begin not counted; hours are hours. A stage
// begins when the one before was due to end, not when a sweep came by. So a
// record's dates follow from its events alone: trash of 25 days and 30 days out of
// reach are 55 days, however late each step was taken.
//
// # What it does not promise
//
// The keeper knows what was reported to it, and no more: compare [Keeper.HostCount] with
// what it counts. A handler is believed when it says that its copies were told, and a copy
// that cannot show that it let go of something is taken at its word. What a
// handler does outside of the database is not undone with the transaction. Whoever
// writes to the database past the keeper can destroy without it, and without keys can make
// it destroy. What went through [Keeper.Transient] may have been copied by who had it.
//
// It is no legal advice. That a policy lints clean says that its stages meet
// its promises, not that the promises are lawful, or the periods right. Copies that
// a policy does not name are not known to it.
//
// # Errors
//
// [*PolicyError], which wraps [ErrPolicy], refuses a policy and says where. Nothing
// of a policy but ids is quoted. A [*LintError] holds findings, a [*HeldError] names the
// hold that keeps something; it wraps troth.ErrNotPermitted, as does a [*StoppedError], and
// a [*TamperedError], which names rows that are not as a keeper left them. An
// [*ApprovalError] says that people must look, a [*StaleError] that what they looked at
// is not so any more.
//
// # Concurrency
//
// A History never changes and may be used by many at once, as may a Policy that
// nobody changes; a Keeper may be used by many at once, and several may share a store: their
// sweeps share the work, under leases by the database's clock. Evaluation
// reads no clock, does no I/O and allocates nothing.
//
// # Storage
//
// The keeper needs a [Backend]; package retentiontest checks one.
//
// A policy is stored as its text. docs/formats/retention-policy.md gives the fields
// and the canonical bytes of which [Policy.Hash] is the hash, docs/formats/retention.md
// what is stored of records and holds, docs/formats/retention-control.md of other decisions.
//
// # Compatibility
//
// Words of closed lists and fields may be added; a policy that was read stays
// readable, and keeps its hash.
package retention
