package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Record stores the evidence of one act, in the transaction of ctx if it has
// one, else in one of its own. The caller's act must fail if Record does. It
// returns troth.ErrNoActor where ctx has no actor, an *troth.ActError or
// *troth.IdentifierError where the entry does not fit its act's schema,
// [ErrEnvelope] where it takes more than [MaxEnvelope] bytes or the clock stands
// before 1970, and [ErrPseudonym] where the stored link to a person was tampered
// with.
//
// Parts are sealed under the keys of those whom they concern. Of a person whose
// compartment was shredded before nothing can be sealed, and nothing is: the act
// is recorded all the same, and its entry commits to a part that holds nothing.
// While it is undecided whether a compartment is shredded, Record fails.
//
// The entry waits in an inbox for the sequencer. On a database with one writer,
// such as SQLite, an entry without parts that is recorded outside of any
// transaction is in the log when Record returns, if this process is in
// [Trail.Run] and the trail knows the people whom the entry names. On others,
// such as PostgreSQL, such entries share a transaction with those that are
// recorded in this process meanwhile.
func (t *Trail) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return troth.EntryID{}, err
	}
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	if t.isDirect(ctx, e) {
		id, err := t.recordDirect(ctx, actor, e)
		if !errors.Is(err, errDetour) {
			return id, err
		}
	}
	if t.isShared(ctx, e) {
		id, err := t.recordShared(ctx, actor, e)
		if !errors.Is(err, errDetour) {
			return id, err
		}
	}
	atomically := t.atomically
	if len(e.Parts) > 0 {
		// A savepoint: a caller that swallows the error must not keep half.
		atomically = t.tx.Atomically
	}
	var id troth.EntryID
	err = atomically(ctx, func(ctx context.Context) error {
		env := t.envelope(e)
		// Actor before subject, always: two transactions that create the same
		// two pseudonyms must not wait for one another.
		var err error
		if env.Actor, err = t.actorRef(ctx, actor); err != nil {
			return err
		}
		parts, err := t.concern(ctx, e, &env)
		if err != nil {
			return err
		}
		id = env.ID
		if err := t.append(ctx, env); err != nil {
			return err
		}
		return t.insertParts(ctx, env.Tenant, parts)
	})
	if err != nil {
		return troth.EntryID{}, err
	}
	return id, nil
}

// envelope fills in what the entry itself says, but for the people.
func (t *Trail) envelope(e troth.Entry) Envelope { return envelopeAt(t.now(), e) }

// envelopeAt is envelope at that instant.
func envelopeAt(now time.Time, e troth.Entry) Envelope {
	env := Envelope{
		ID:         troth.NewEntryID(now),
		RecordedAt: time.UnixMicro(now.UnixMicro()).UTC(),
		Tenant:     e.Tenant,
		Act:        e.Act.Name,
		ActVersion: e.Act.Version,
		Outcome:    e.Outcome,
		Purpose:    e.Purpose,
	}
	if env.Outcome == "" {
		env.Outcome = troth.Done
	}
	for _, f := range e.Act.Fields {
		if fact, ok := e.Facts[f.Name]; ok {
			env.Facts = append(env.Facts, NamedFact{Name: f.Name, Fact: fact})
		}
	}
	_, _ = rand.Read(env.Nonce[:]) // never fails, crypto/rand documents
	return env
}

// actorRef names services in clear and people by pseudonym.
func (t *Trail) actorRef(ctx context.Context, a troth.Actor) (ActorRef, error) {
	ref := ActorRef{Kind: a.Kind, Home: a.Home()}
	if a.Kind == troth.Service {
		ref.Service = a.ID
		return ref, nil
	}
	var err error
	ref.Person, err = t.pseudonym(ctx, person{tenant: a.Home(), role: asActor, id: a.ID})
	return ref, err
}

func (t *Trail) append(ctx context.Context, env Envelope) error {
	raw := env.encode()
	if err := readable(env, raw); err != nil {
		return err
	}
	tag, err := t.inboxTag(ctx, raw)
	if err != nil {
		return err
	}
	appended, err := t.store.Append(ctx, InboxRow{
		Tenant:     env.Tenant,
		ID:         env.ID,
		RecordedAt: env.RecordedAt.UnixMicro(),
		Envelope:   raw,
		Tag:        tag,
	})
	if err != nil {
		return fmt.Errorf("audit: record: %w", err)
	}
	if !appended {
		return ErrDuplicate
	}
	t.seq.recorded.Store(true)
	t.seq.wake()
	return nil
}
