package consent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Publish adds a version of a purpose to the catalogue. Version, Change and
// EffectiveAt may be zero: they are the next one, what the first version must be,
// and now. It returns the version as it was stored.
//
// Publishing is idempotent by version: the same again, as programs do that
// declare their purposes at each start, changes nothing. Another content under a
// version that is there is [ErrConflict].
//
// A [Material] or [NewRecipient] change concerns everybody who granted a version
// before: [Ledger.Affected] lists them, and if the ledger has an enqueuer, work
// is enqueued in the same transaction that has each of them asked before the
// version takes effect, see [Ledger.Do]. Nobody's grant is moved to the new
// version.
func (l *Ledger) Publish(ctx context.Context, t Terms) (Terms, error) {
	t.Data, t.Recipients, t.StoredIn = sorted(t.Data), sorted(t.Recipients), sorted(t.StoredIn)
	t.Requires = slices.Clone(t.Requires)
	if t.Age == "" {
		t.Age = AnyAge
	}
	if err := t.Tenant.Validate(); err != nil {
		return Terms{}, err
	}
	if err := t.Purpose.Validate(); err != nil {
		return Terms{}, err
	}
	// Which version is the next one is decided by the insert: whoever comes second
	// finds a row there, and looks again.
	for range publishTries {
		stored, done, err := l.publish(ctx, t)
		if done || err != nil {
			return stored, err
		}
		l.tenants.evict(t.Tenant)
	}
	return Terms{}, fmt.Errorf("consent: publish: %w", troth.ErrBusy)
}

// publishTries bounds how many others may publish the same purpose meanwhile.
const publishTries = 8

func sorted(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

func (l *Ledger) publish(ctx context.Context, t Terms) (stored Terms, done bool, err error) {
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		d, err := l.loadTenant(ctx, t.Tenant)
		if err != nil {
			return err
		}
		next, isNew, err := d.next(t, l.micros())
		if err != nil || !isNew {
			stored, done = next, err == nil
			return err
		}
		message := next.Append(nil)
		digest := sha256.Sum256(message)
		row := TermsRow{
			Tenant: next.Tenant, Purpose: next.Purpose, Version: next.Version,
			Record: d.key.seal(termsTable, string(next.Purpose), "", message),
		}
		inserted, err := l.store.InsertTerms(ctx, row)
		if err != nil {
			return fmt.Errorf("consent: publish: %w", err)
		}
		if !inserted {
			return nil
		}
		stored, done = next, true
		return l.tellPublished(ctx, next, digest)
	})
	l.settleEnded(troth.Subject{Tenant: t.Tenant})
	if err != nil {
		return Terms{}, false, err
	}
	return stored, done, nil
}

// tellPublished does what goes with a new version, in its transaction.
func (l *Ledger) tellPublished(ctx context.Context, t Terms, digest [32]byte) error {
	_, err := l.record(ctx, troth.Entry{
		Act: actPublish, Tenant: t.Tenant, Purpose: t.Purpose,
		Facts: troth.Facts{
			"version": troth.Count(t.Version), "basis": troth.Word(string(t.Basis)), "change": troth.Word(string(t.Change)),
			"effective": troth.Instant(t.EffectiveAt), "terms": troth.Digest(digest),
		},
	})
	if err != nil {
		return err
	}
	if err := l.raise(ctx, t.Tenant, ""); err != nil {
		return err
	}
	if l.opt.enqueuer != nil && (t.Change == Material || t.Change == NewRecipient) {
		if err := l.announce(ctx, announcement{Tenant: t.Tenant, Purpose: t.Purpose, Version: t.Version}, t.EffectiveAt); err != nil {
			return err
		}
	}
	l.changed(ctx, t.Tenant)
	return nil
}

// changed forgets what is cached of a tenant's catalogue, now and when the
// transaction has ended.
func (l *Ledger) changed(ctx context.Context, tenant troth.Tenant) {
	scope := l.tx.Scope(ctx)
	scope.SetValue(published{l, tenant}, true)
	l.tenants.evict(tenant)
	l.pendings.add(&pending{who: troth.Subject{Tenant: tenant}, scope: scope, until: l.mono() + int64(pendingLife)})
}

// next is the version that t becomes. isNew is false if it is there already.
func (d *tenantData) next(t Terms, now int64) (next Terms, isNew bool, err error) {
	versions := d.catalogue[t.Purpose]
	if at := d.catalogue.Version(t.Purpose, t.Version); at != nil {
		if !at.sameAs(&t) {
			return Terms{}, false, fmt.Errorf("%w: version %d has other terms", ErrConflict, at.Version)
		}
		return *at, false, nil
	}
	n := uint32(len(versions) + 1)
	if t.Version != 0 && t.Version != n {
		return Terms{}, false, fmt.Errorf("%w: versions count from 1 without gaps", ErrVersion)
	}
	t.Version, t.PublishedAt = n, instant(now)
	if n == 1 && t.Change == "" {
		t.Change = NewPurpose
	}
	if t.EffectiveAt.IsZero() {
		t.EffectiveAt = instant(now)
	}
	t.EffectiveAt = instant(micros(t.EffectiveAt))
	if err := t.validate(); err != nil {
		return Terms{}, false, err
	}
	if n == 1 && t.Change != NewPurpose {
		return Terms{}, false, &TermsError{Purpose: t.Purpose, Version: n, Reason: "changes a version that is not there"}
	}
	if n > 1 {
		if err := t.succeed(&versions[n-2]); err != nil {
			return Terms{}, false, err
		}
	}
	err = d.requirable(&t)
	return t, true, err
}

// sameAs reports whether t says the same as a stored version, as far as it says
// anything.
func (t *Terms) sameAs(said *Terms) bool {
	o := *said
	o.PublishedAt, o.Version = t.PublishedAt, t.Version
	if o.EffectiveAt.IsZero() {
		o.EffectiveAt = t.EffectiveAt
	}
	o.EffectiveAt = instant(micros(o.EffectiveAt))
	if o.Change == "" {
		o.Change = t.Change
	}
	return bytes.Equal(o.Append(nil), t.Append(nil))
}

// requirable holds what a purpose requires to the rules: it is there, nothing
// requires itself in the end, and no contract depends on consent (GDPR Article
// 7(4)).
func (d *tenantData) requirable(t *Terms) error {
	wrong := func(reason string) error { return &TermsError{Purpose: t.Purpose, Version: t.Version, Reason: reason} }
	for _, p := range t.Requires {
		versions := d.catalogue[p]
		if len(versions) == 0 {
			return wrong("requires a purpose that is not there")
		}
		if versions[0].Basis == Consent && t.Basis == Contract {
			return wrong("makes a contract depend on consent (Article 7(4))")
		}
		if d.reaches(p, t.Purpose, 0) {
			return wrong("requires itself in the end")
		}
	}
	if d.depth(t.Requires, 1) >= maxDepth {
		return wrong("requires a chain that is too long")
	}
	return nil
}

// reaches reports whether any version of a purpose requires another, through
// others too.
func (d *tenantData) reaches(from, to troth.Purpose, depth int) bool {
	if depth > maxDepth {
		return true
	}
	for _, t := range d.catalogue[from] {
		for _, p := range t.Requires {
			if p == to || d.reaches(p, to, depth+1) {
				return true
			}
		}
	}
	return false
}

// depth is the length of the longest chain of requirements.
func (d *tenantData) depth(requires []troth.Purpose, at int) int {
	deepest := at
	for _, p := range requires {
		for _, t := range d.catalogue[p] {
			if at < maxDepth {
				deepest = max(deepest, d.depth(t.Requires, at+1))
			}
		}
	}
	return deepest
}

// PublishNotice adds a version of a notice. Version may be zero: it is the next
// one then. Publishing is idempotent by version, as in [Ledger.Publish].
//
// It refuses controls that ask for several purposes ([ErrBundled]), that are on
// by default where consent is asked ([ErrPreticked]), and purposes that are not
// in the catalogue ([ErrVersion]). If a version asks for a purpose that the one
// before did not, who answered that one is asked, as Publish says.
func (l *Ledger) PublishNotice(ctx context.Context, n Notice) (Notice, error) {
	n.hashes = nil
	if err := n.validate(); err != nil {
		return Notice{}, err
	}
	for range publishTries {
		stored, done, err := l.publishNotice(ctx, n)
		if done || err != nil {
			return stored, err
		}
	}
	return Notice{}, fmt.Errorf("consent: publish notice: %w", troth.ErrBusy)
}

func (l *Ledger) publishNotice(ctx context.Context, n Notice) (stored Notice, done bool, err error) {
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		d, err := l.loadTenant(ctx, n.Tenant)
		if err != nil {
			return err
		}
		if err := d.askable(&n); err != nil {
			return err
		}
		versions, err := l.notices(ctx, d, n.ID)
		if err != nil {
			return err
		}
		if n.Version != 0 && int(n.Version) <= len(versions) {
			n.PublishedAt = versions[n.Version-1].PublishedAt
			if !bytes.Equal(n.append(nil), versions[n.Version-1].append(nil)) {
				return ErrConflict
			}
			stored, done = n, true
			return nil
		}
		if n.Version != 0 && int(n.Version) != len(versions)+1 {
			return fmt.Errorf("%w: versions count from 1 without gaps", ErrNotice)
		}
		n := n
		n.Version, n.PublishedAt = uint32(len(versions)+1), instant(l.micros())
		inserted, err := l.insertNotice(ctx, d, &n)
		if err != nil || !inserted {
			return err
		}
		stored, done = n, true
		if l.opt.enqueuer == nil || len(versions) == 0 || len(added(&n, &versions[len(versions)-1])) == 0 {
			return nil
		}
		return l.announce(ctx, announcement{Tenant: n.Tenant, Notice: n.ID, Version: n.Version}, n.PublishedAt)
	})
	if err != nil {
		return Notice{}, false, err
	}
	return stored, done, nil
}

// added are the purposes that a notice asks for and the one before did not.
func added(n, before *Notice) []troth.Purpose {
	var news []troth.Purpose
	for _, a := range n.Asks {
		if !before.asks(a.Purpose) {
			news = append(news, a.Purpose)
		}
	}
	return news
}

func (l *Ledger) insertNotice(ctx context.Context, d *tenantData, n *Notice) (bool, error) {
	message := n.append(nil)
	digest := sha256.Sum256(message)
	inserted, err := l.store.InsertNotice(ctx, NoticeRow{
		Tenant: n.Tenant, ID: n.ID, Version: n.Version, Record: d.key.seal(noticeTable, n.ID, "", message),
	})
	if err != nil {
		return false, fmt.Errorf("consent: publish notice: %w", err)
	}
	if !inserted {
		return false, nil
	}
	for language, text := range n.Texts {
		h, _ := n.Hash(language)
		if err := l.store.PutText(ctx, n.Tenant, h, []byte(text)); err != nil {
			return false, fmt.Errorf("consent: keep text: %w", err)
		}
	}
	_, err = l.record(ctx, troth.Entry{
		Act: actNotice, Tenant: n.Tenant,
		Facts: troth.Facts{
			"notice": troth.Word(n.ID), "version": troth.Count(n.Version), "document": troth.Digest(digest),
		},
	})
	return err == nil, err
}

// askable holds a notice to the catalogue.
func (d *tenantData) askable(n *Notice) error {
	for _, a := range n.Asks {
		versions := d.catalogue[a.Purpose]
		if len(versions) == 0 {
			return ErrVersion
		}
		if a.OnByDefault && versions[0].Basis == Consent {
			return ErrPreticked
		}
	}
	return nil
}

// notices reads all versions of a notice.
func (l *Ledger) notices(ctx context.Context, d *tenantData, id string) ([]Notice, error) {
	rows, err := l.store.Notices(ctx, d.key.tenant, id)
	if err != nil {
		return nil, fmt.Errorf("consent: read notice: %w", err)
	}
	var all []Notice
	for _, row := range rows {
		message, err := d.key.open(noticeTable, row.ID, "", row.Record)
		if err != nil {
			return nil, err
		}
		n, err := parseNotice(message)
		if err != nil || n.Tenant != row.Tenant || n.ID != row.ID || n.Version != row.Version || int(n.Version) != len(all)+1 {
			return nil, ErrRecord
		}
		all = append(all, n)
	}
	return all, nil
}

// Text returns a text that the ledger keeps: of a notice, or the wording beside a
// control, by its SHA-256.
func (l *Ledger) Text(ctx context.Context, tenant troth.Tenant, hash [32]byte) (string, error) {
	text, found, err := l.store.Text(ctx, tenant, hash)
	if err != nil {
		return "", fmt.Errorf("consent: read text: %w", err)
	}
	if !found || sha256.Sum256(text) != hash {
		return "", ErrNotice
	}
	return string(text), nil
}
