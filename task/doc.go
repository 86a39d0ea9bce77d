// Package task keeps work that must happen later or elsewhere until it is done:
// telling a provider of an opt-out, erasing a copy, sending a notice.
//
// Work is enqueued in the host's own transaction, so it is there if and only if
// what caused it is. Workers of any number of processes claim it under a lease,
// try again when it fails, and hand it to a person when that is no use:
//
//	store, err := tasksql.New(ctx, handle) // or k.Tasks of a kit, which has all of this
//	e, err := task.New(ctx, task.Config{Store: store, Recorder: trail, Sealer: v}, task.Unmanaged("no keeper yet"))
//	err = task.Register(e, task.Kind{Name: "shop.notice"}, func(ctx context.Context, j task.Job[Notice]) error {
//		return mail.Send(ctx, j.EffectKey, j.Value) // EffectKey is the same for every attempt
//	})
//	go e.Run(ctx)
//
//	w, err := task.NewWork("shop-17", "shop.notice", Notice{Order: "4711"})
//	w.Key = "notice-4711" // enqueuing it twice is enqueuing it once
//	id, err := e.Enqueue(ctx, w)
//
// What a handler does in the same database it can commit together with the end of
// the work, so that it happens once whatever dies:
//
//	err := handle.Atomically(ctx, func(ctx context.Context) error {
//		if err := markSent(ctx, j.Value); err != nil {
//			return err
//		}
//		return j.Complete(ctx)
//	})
//
// After the commit of a transaction of its own the host may call [Engine.Nudge], so
// that the work begins before the next poll. Work without a payload needs no Sealer.
//
// Many works at once are for [Engine.EnqueueMany]. A work can wait for others
// ([Engine.EnqueueAll]), has a due time and a legal
// deadline of which alarms tell at half of the time, at 80 % and when it has
// passed, and limits of how many run at once and how often ([Kind]). Tenants and
// lines within them take turns, however much one of them has enqueued. A host
// with a queue of its own starts tasks with that ([WithDispatcher],
// [Engine.RunOne]).
//
// Payloads are sealed under a key that lives as long as the work and its group:
// when the last work of a group has ended, the Disposer is asked, the key is
// destroyed and the payload emptied.
//
// # People, deadlines, progress
//
// A handler hands over what only a person can do by returning [ManualNeeded]. Those
// who have the role find it, look at it, and confirm it with evidence, acting
// themselves; [Engine.Reassign], [Engine.Escalate], [Engine.Resume] and
// [Engine.Cancel] are for everything else:
//
//	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim", Tenant: "shop-17", Roles: []string{"support"}})
//	for t, err := range e.Tasks(ctx, task.Query{Tenant: "shop-17", State: task.Manual, Owner: "support"}) {
//		c, err := e.Open(ctx, t.Ref, "support") // payload and instructions
//		err = e.Confirm(ctx, t.Ref, task.Evidence{Name: "ticket-93"})
//	}
//
// Deadlines are told to the host's [Alarms] too, see [WithAlarms], and a tenant's
// [Progress] is a value and a field of zap:
//
//	p, err := e.Progress(ctx, "shop-17")
//	log.Info("tasks", zap.Object("progress", p))
//
// # Disposal
//
// A keeper is asked of two kinds: [PayloadDisposal], a group's key, when its last
// work has ended, and [FinishedDisposal], what is known of a tenant's tasks that
// ended longer ago than [WithKeep] says. It mints a permit for [PermitFor] in the
// transaction in which it calls back, else nothing is destroyed. Of a payload it
// learns a name made at random, so a hold covers all payloads of a tenant's tasks
// and not those about one person. What it refuses stays sealed as it is, and finished
// tasks keep their keys of work; it is asked again after a minute at first and once a
// day in the end, and each hour about finished tasks, so that a hold's release needs no
// call here.
//
// # What it does not promise
//
// Work runs at least once. A handler that dies between its effect and its end
// runs again, with the same EffectKey: an effect elsewhere happens once if the
// other side honours that key. A handler that goes on after its context has ended
// may run beside its successor; it cannot end the work. One that never returns
// keeps its work until the kind's Timeout, and without that for as long as its
// process lives: alarms tell of the deadline. Deadlines are told, not
// kept. Kinds, keys, groups and lines are stored in the clear and must not be
// about a person. Who writes the database can delete work, or add work without a
// payload; see docs/threats.md.
//
// # Errors
//
// Expected states are sentinels and typed errors: [ErrNotFound], [ErrState],
// [*NotNowError] … Handlers return [Permanent], [ManualNeeded] and [RetryAfter];
// any other error is tried again. No error and no log line of the engine holds a
// payload, a key, or the text of a handler's error.
//
// # Concurrency
//
// An [Engine] is safe for concurrent use. [Engine.Run] blocks; constructors start
// no goroutine. Each handler runs in a goroutine of its own.
//
// # Storage
//
// Rows go through a [Backend], in the host's transaction where it has one. Leases
// and what is due go by the database's clock. tasktest has the suite that every
// Backend must pass. Handlers that write each use a connection: let the pool of
// database/sql keep as many idle ones as handlers run at once (SetMaxIdleConns), for
// its default is 2 and to connect anew takes longer than most of their work.
//
// # Compatibility
//
// docs/formats/task.md specifies what is stored and what payloads are bound to.
package task
