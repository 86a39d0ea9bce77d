// Package rights takes the requests that people have a right to make about their data,
// and sees them through: from receipt to the answer, with every deadline counted, and
// nothing claimed that was not done.
//
//	store, err := rightssql.New(ctx, handle) // or rightsmem.New(db), in memory
//	desk, err := rights.New(ctx, rights.Config{Store: store, Recorder: trail, Keys: keys},
//		rights.WithSealer(v), rights.Unmanaged("no-keeper"))
//	request, err := desk.Submit(ctx, rights.Submission{
//		Tenant: "acme", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "c-17",
//	})
//	proof, err := desk.Attest(ctx, rights.Attestation{
//		Tenant: "acme", Request: request.ID, SubjectID: "c-17", Method: rights.ByReauthentication,
//	})
//	request, err = desk.Accept(ctx, "acme", request.ID, proof)
//
// A request is in one [State] at a time. What can happen to it is a closed table, see
// [Transitions]: what is not there does not happen. Three things are not states: its
// clocks, which run from receipt whoever asks and whatever is missing; the tasks by
// which it is carried out; and obligations that are left over when it is closed, such
// as an erasure that a legal hold defers.
//
// # Around it
//
//   - [Proof] shows who asks. Only verification makes one, for one request, and without
//     one nothing is accepted: [Desk.Attest], [Desk.SendCode] and [Desk.CheckCode],
//     [Desk.Know]. Of what people show nothing is kept.
//   - [Mandate] is the authority of an agent. A request of theirs is received and its
//     clocks run; disclosing and destroying wait for it.
//   - [Desk.Deadlines] gives every clock of every law that applies, each explained;
//     [Desk.Extend] lets an answer come later where a law does.
//   - [Desk.Refuse] and [Desk.RefusePart] say no for one of a closed list of reasons, and
//     give the text that the person must get.
//   - [Desk.Queue] is staff's queue, by deadline.
//   - A [Source] is one place where data about people lies, and what can be done there:
//     locate, export, erase, correct, restrict, object. [WithSource] registers the host's.
//   - [Desk.Token] is what somebody without an account follows a request with;
//     [Desk.Once] answers a call that comes again as before. Package rightshttp has all of
//     this as JSON over HTTP.
//   - [Desk.Run] sends messages, tells of deadlines, and destroys what is over.
//
// # Carrying out
//
//	err = desk.Step(ctx, "acme", request.ID) // or Run does: the sources say what they have
//	request, err = desk.Approve(ctx, "acme", request.ID)
//	receipt, err := desk.Export(ctx, "acme", request.ID, file, lock) // of what discloses
//	request, err = desk.Deliver(ctx, "acme", request.ID, time.Time{}) // they have it, as of now
//
// Once a request is accepted the desk asks every source that is registered then, until
// none of them names anything new that the person is found by; that is kept under the
// request's seal before anything is changed. Then somebody looks, and approves. What is
// disclosed is written by [Desk.Export]; [Desk.Offer] and [Desk.Fetch] hand that out once,
// by a token. What cannot be taken back waits for a while, and
// for an open request of the person to see it. Sources have their turn by [Order]: what is
// made of other data and what lies elsewhere first, what people are found by last. [Desk.Work]
// says what became of each; what a source cannot do is [Unsupported] and never done. What
// something keeps, a legal hold or a duty, is asked for again until it is gone, each day and
// when [Desk.Wake] says so, also after the request was closed by [Desk.Deliver]. [Desk.Certify] says what became of an erasure,
// and is final when nothing is left, not in backups either; [VerifyCertificate] checks it.
// [Desk.Erased] keeps who was erased from coming back with an import. A restriction lasts
// until [Desk.Lift], and until the person was told.
//
// All of it goes on after a crash where it was: a step that is repeated does nothing twice.
//
// # Personal data
//
// Names, addresses, texts and identifiers of a request are its [Contents]: sealed under
// keys of its own, see [RequestSubject], and destroyed some time after it was closed and
// nothing is left to be done, see [WithContentsLife]. The record stays without it for 24
// months at least (11 CCR §7101). Ids that hosts give to requests, agents, roles and
// controllers stand in the clear, and must name no person. The subject id is the host's,
// and stays in the record.
//
// # What it does not promise
//
// This is no legal advice. Whether a reason to refuse is there, whether a mandate is
// genuine, and which laws apply to whom, is for people to say; the desk demands that
// they say it, and keeps what they said. An attestation is the host's word: the desk
// cannot look. A code shows that its reader holds an address, and no more.
//
// Messages are sent at least once: a crash between sending and noting it sends again,
// under the same key. That somebody read one is not known.
//
// # Errors
//
// Sentinels, *[StateError], and those of the root package. A call about a request returns
// [ErrNotFound] where the tenant has none of that id, but for [Desk.Step], which then does
// nothing, and for the lists of what belongs to one, such as [Desk.Work], which are empty. What
// moves a request returns a *[StateError] where its state does not allow that; what is
// recorded, [troth.ErrNoActor] where the context has no actor; what needs an option that the
// desk was made without, [ErrNeeds]. Errors of store, keys, sealer, queue and directory are
// wrapped once. No error holds anything of a request's contents.
//
// # Time
//
// Instants are UTC, cut to microseconds. Where a call takes one at which something happened,
// the zero time is now; what lies ahead, or before the request was received, is [ErrFuture].
//
// # Concurrency
//
// A Desk is safe for concurrent use; New starts no goroutine. Everything that changes a
// request locks it first, so that what happens to one happens in an order.
//
// # Storage
//
// See [Store]; the suite is in rightstest. Records are tagged under the tenant's keys:
// who writes to the database past the desk cannot make a proof or an approval, but can
// delete rows, or put an old row back. With [WithEvidence] nothing is destroyed for a
// request that the trail contradicts, and [Desk.Reconcile] names what was done.
//
// # Compatibility
//
// Stored records are versioned: docs/formats/rights.md gives their bytes. Rights,
// states, kinds of events, methods and reasons are closed lists, to which later versions
// may add.
package rights
