package rights

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Method is how somebody showed who they are.
type Method string

// The methods, and the level that each gives.
const (
	// NotNeeded: the right needs no identity.
	NotNeeded Method = "not-needed"
	// BySession: they were logged in; low.
	BySession Method = "session"
	// ByReauthentication: they logged in again for this; high (11 CCR §7061).
	ByReauthentication Method = "re-authentication"
	// ByCode: a code to an address that is known came back; reasonable.
	ByCode Method = "code"
	// ByKnowledge: they knew what only they should; by how much, see [Knowledge].
	ByKnowledge Method = "knowledge"
	// BySight: somebody saw a document, and kept nothing of it; high.
	BySight Method = "document-seen"
)

// Proof shows that a person is who they say, for one request. It is made by verification
// and by nothing else: no field of it can be set from outside, and the zero Proof proves
// nothing. The desk looks it up again wherever it is given one.
type Proof struct {
	tenant  troth.Tenant
	request string
	id      string
	evidence
}

// Level is how good it is.
func (p Proof) Level() Level { return p.level }

// Method is how it was made.
func (p Proof) Method() Method { return p.method }

// ExpiresAt is until when it is good for accepting the request, UTC.
func (p Proof) ExpiresAt() time.Time { return instant(p.until) }

// evidence is what is kept of how somebody showed who they are: never what they showed.
type evidence struct {
	right   Right
	level   Level
	method  Method
	kinds   []string
	subject string
	at      int64
	until   int64
}

const proofDomain = "troth.rights.proof/1"

func (e *evidence) encode() []byte {
	dst := canon.AppendDomain(nil, proofDomain)
	dst = canon.AppendText(dst, e.right)
	dst = canon.AppendUint(dst, uint64(e.level))
	dst = canon.AppendText(dst, e.method)
	dst = appendTexts(dst, e.kinds)
	dst = canon.AppendText(dst, e.subject)
	dst = canon.AppendInt(dst, e.at)
	return canon.AppendInt(dst, e.until)
}

func parseEvidence(b []byte) (e evidence, err error) {
	r := reader{Walker: canon.Walk(b, proofDomain)}
	e = evidence{
		right: Right(r.text()), level: Level(r.small()), method: Method(r.text()), kinds: r.texts(), subject: r.text(),
		at: r.Int(), until: r.Int(),
	}
	if !r.done() || !e.level.Valid() || !e.right.Valid() {
		return evidence{}, ErrRecord
	}
	return e, nil
}

func proofKey(tenant troth.Tenant, request, id string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemProof, ID: id}
}

// prove records that somebody showed who they are. Where another open request of the
// same person is about the same, this one becomes its duplicate.
func (c *change) prove(ctx context.Context, e evidence) (Proof, error) {
	if c.q.subject != "" && e.subject != "" && e.subject != c.q.subject {
		return Proof{}, unproven("the request is about somebody else")
	}
	e.right, e.at, e.until = c.q.right, c.now, c.now+c.d.opt.proofLife.Microseconds()
	id := rand.Text()
	if err := c.d.insertItem(ctx, ItemRow{ItemKey: proofKey(c.tenant, c.id, id)}, e.encode()); err != nil {
		return Proof{}, err
	}
	if c.q.subject == "" {
		c.q.subject = e.subject
	}
	if c.q.proof == "" || e.level >= c.q.level || c.now >= c.q.until {
		c.q.proof, c.q.level, c.q.until = id, e.level, e.until
	}
	p := Proof{c.tenant, c.id, id, e}
	if _, moves := next(c.q.state, Identified, func(Guard) bool { return true }); c.q.level < c.q.needs() || !moves {
		// Something was shown, and not enough: what was asked stays open. Or it is shown
		// again, later on, by who fetches what they asked for.
		return p, c.fire(ctx, IdentityPart, happening{word: string(e.method), ref: id, until: e.until})
	}
	c.q.pending = false
	if err := c.fire(ctx, Identified, happening{word: string(e.method), ref: id, until: e.until}); err != nil {
		return Proof{}, err
	}
	other, err := c.claim(ctx)
	if err != nil || other == "" {
		return p, err
	}
	c.q.other = other
	return p, c.fire(ctx, FoundDuplicate, happening{ref: other})
}

// check demands a proof that was made for this request and is good enough still.
func (c *change) check(ctx context.Context, p Proof, level Level) error {
	if p.id == "" || p.tenant != c.tenant || p.request != c.id {
		return ErrUnproven
	}
	_, message, found, err := c.d.item(ctx, proofKey(c.tenant, c.id, p.id))
	if err != nil {
		return err
	}
	if !found {
		return ErrUnproven
	}
	e, err := parseEvidence(message)
	if err != nil {
		return err
	}
	if e.level < level {
		return fmt.Errorf("%w: the proof is of level %v, and this takes %v", ErrUnproven, e.level, level)
	}
	if e.right != c.q.right || c.now >= e.until || e.subject != c.q.subject {
		return ErrUnproven
	}
	return nil
}

// Proof returns the best proof of a request that is good still, for who decides later
// than who verified. It returns [ErrUnproven] where there is none.
func (d *Desk) Proof(ctx context.Context, tenant troth.Tenant, id string) (Proof, error) {
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return Proof{}, err
	}
	if q.proof == "" || d.micros() >= q.until {
		return Proof{}, ErrUnproven
	}
	_, message, found, err := d.item(ctx, proofKey(tenant, id, q.proof))
	if err != nil {
		return Proof{}, err
	}
	if !found {
		return Proof{}, ErrRecord
	}
	e, err := parseEvidence(message)
	return Proof{tenant, id, q.proof, e}, err
}

// Attestation is the host's word about who asks. The host vouches for it: the desk has
// no way to look.
type Attestation struct {
	Tenant  troth.Tenant
	Request string
	// SubjectID is who they are.
	SubjectID string
	// Method is [BySession], [ByReauthentication] or [BySight].
	Method Method
	// At is when they logged in; a login counts as one for this request if it came after
	// the request did, or not more than ten minutes before. Zero is now.
	At time.Time
	// Document is the kind of document that somebody saw, such as "passport", for
	// [BySight]. Nothing else of it is taken, and nothing kept: no bytes, no number.
	Document string
}

// freshLogin is how long before a request a login may be that counts as made for it.
const freshLogin = 10 * time.Minute

var attested = map[Method]Level{BySession: LevelLow, ByReauthentication: LevelHigh, BySight: LevelHigh}

// Attest takes the host's word about who asks, and returns the proof.
func (d *Desk) Attest(ctx context.Context, a Attestation) (Proof, error) {
	level, ok := attested[a.Method]
	if !ok {
		return Proof{}, unproven("an attestation is of a session, a re-authentication or a document that was seen")
	}
	if err := (troth.Subject{Tenant: a.Tenant, ID: a.SubjectID}).Validate(); err != nil {
		return Proof{}, err
	}
	e := evidence{level: level, method: a.Method, subject: a.SubjectID}
	if (a.Method == BySight) != (a.Document != "") {
		return Proof{}, unproven("a document is named where one was seen, and nowhere else")
	}
	if a.Document != "" {
		if err := checkID("kind of document", a.Document); err != nil {
			return Proof{}, err
		}
		e.kinds = []string{a.Document}
	}
	var p Proof
	_, err := d.change(ctx, a.Tenant, a.Request, func(ctx context.Context, c *change) error {
		at := micros(a.At)
		if at > c.now {
			return ErrFuture
		}
		if a.Method == ByReauthentication && at != 0 && at < c.q.receivedAt-freshLogin.Microseconds() {
			return unproven("the login came more than ten minutes before the request")
		}
		var err error
		p, err = c.prove(ctx, e)
		return err
	})
	return p, err
}

// Knowledge is what a person knew that only they should.
type Knowledge struct {
	Tenant  troth.Tenant
	Request string
	// SubjectID is who that shows them to be.
	SubjectID string
	// Kinds are what they knew, by kind: "email", "last-order". Values stay with who
	// compared them. Two give [LevelReasonable], three and a declaration [LevelHigh]
	// (11 CCR §7062).
	Kinds []string
	// Declared says that they signed under penalty of perjury that they are the person.
	Declared bool
}

// Know takes the host's word that a person knew something, and returns the proof. What a
// request wants corrected shows nothing: [ErrSameField].
func (d *Desk) Know(ctx context.Context, k Knowledge) (Proof, error) {
	if err := (troth.Subject{Tenant: k.Tenant, ID: k.SubjectID}).Validate(); err != nil {
		return Proof{}, err
	}
	kinds := slices.Compact(slices.Sorted(slices.Values(k.Kinds)))
	if len(kinds) == 0 || len(kinds) > maxList {
		return Proof{}, ErrUnproven
	}
	for _, kind := range kinds {
		if err := checkID("kind of knowledge", kind); err != nil {
			return Proof{}, err
		}
	}
	e := evidence{level: LevelLow, method: ByKnowledge, kinds: kinds, subject: k.SubjectID}
	switch {
	case len(kinds) >= 3 && k.Declared:
		e.level = LevelHigh
	case len(kinds) >= 2:
		e.level = LevelReasonable
	}
	var p Proof
	_, err := d.change(ctx, k.Tenant, k.Request, func(ctx context.Context, c *change) error {
		for _, kind := range kinds {
			if slices.Contains(c.q.fields, kind) {
				return ErrSameField
			}
		}
		var err error
		p, err = c.prove(ctx, e)
		return err
	})
	return p, err
}
