package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// walk is one way through the store with a batch of lines.
type walk struct {
	*replay
	// lines are those of the batch by what they name, each entry once; missing
	// are entries that the store does not hold yet.
	byName  map[[32]byte][]*readLine
	lines   []*readLine
	missing map[troth.EntryID]bool
	// last is the tenant that was looked at last.
	last troth.Tenant
}

func newWalk(r *replay, batch, missing []readLine) *walk {
	w := &walk{
		replay: r, byName: make(map[[32]byte][]*readLine, len(batch)),
		missing: make(map[troth.EntryID]bool, len(missing)),
	}
	for i := range missing {
		w.missing[missing[i].entry] = true
	}
	seen := make(map[troth.EntryID]bool, len(batch))
	for i := range batch {
		l := &batch[i]
		if seen[l.entry] {
			continue
		}
		seen[l.entry] = true
		w.lines = append(w.lines, l)
		w.byName[l.name] = append(w.byName[l.name], l)
	}
	return w
}

// walkPage is how many rows are read at once.
const walkPage = 1000

// tenants erases tenants that have a root.
func (w *walk) tenants(ctx context.Context) error {
	var after RootAt
	for {
		rows, err := w.v.store.RootsAfter(ctx, after, walkPage)
		if err != nil {
			return fmt.Errorf("vault: replay: read roots: %w", err)
		}
		for i := range rows {
			if err := w.tenant(ctx, rows[i].Tenant); err != nil {
				return err
			}
		}
		if len(rows) < walkPage {
			return nil
		}
		end := rows[len(rows)-1]
		after = RootAt{end.Tenant, end.Lineage, end.Epoch}
	}
}

// people erases people, and tenants of whom there is nothing but people.
func (w *walk) people(ctx context.Context) error {
	var after PersonName
	for {
		rows, err := w.v.store.PeopleAfter(ctx, after, walkPage)
		if err != nil {
			return fmt.Errorf("vault: replay: read people: %w", err)
		}
		for _, row := range rows {
			if err := w.tenant(ctx, row.Tenant); err != nil {
				return err
			}
			if lines := w.byName[w.names.person(row.Tenant, row.SubjectID)]; row.concerned(lines) {
				if err := w.person(ctx, row.PersonName, lines); err != nil {
					return err
				}
			}
		}
		if len(rows) < walkPage {
			return nil
		}
		after = rows[len(rows)-1].PersonName
	}
}

// aboutAnybody are the scopes of lines that count for who has no living key too.
var aboutAnybody = []string{exportScope, restrictScope, liftScope}

// concerned reports whether the lines could find something to do.
func (p PersonEntry) concerned(lines []*readLine) bool {
	for _, l := range lines {
		if p.Living > 0 || l.scope == subjectScope && p.ClosedAt == 0 || slices.Contains(aboutAnybody, l.scope) {
			return true
		}
	}
	return false
}

// tenant erases a tenant that a line names, unless it was the last one asked
// for: rows come in the order of tenants.
func (w *walk) tenant(ctx context.Context, tenant troth.Tenant) error {
	if tenant == w.last {
		return nil
	}
	w.last = tenant
	lines := w.byName[w.names.tenant(tenant)]
	if len(lines) == 0 {
		return nil
	}
	return w.v.atomicallyApart(ctx, KeyName{Tenant: tenant}, func(ctx context.Context) error {
		shredding, err := w.tenantLeft(ctx, tenant, lines)
		if err != nil {
			return err
		}
		if shredding == nil {
			return w.put(ctx, tenant, w.unknown(lines))
		}
		at := w.v.micros()
		receipt := Receipt{Target: Target{Tenant: tenant, WholeTenant: true}}
		if err := w.v.shredTenant(ctx, &receipt, receipt.Target, at); err != nil {
			return err
		}
		if err := w.witness(ctx, &receipt, shredding, at); err != nil {
			return err
		}
		if !receipt.Already {
			w.done.Tenants++
		}
		return w.put(ctx, tenant, w.unknown(lines))
	})
}

// person does what the lines say of one person. Restrictions come behind: they
// need the tenant's key-encryption key, and what dies does not wait for it.
func (w *walk) person(ctx context.Context, p PersonName, lines []*readLine) error {
	var limits, others []*readLine
	for _, l := range lines {
		if l.scope == restrictScope || l.scope == liftScope {
			limits = append(limits, l)
		} else {
			others = append(others, l)
		}
	}
	if len(others) > 0 {
		if err := w.personDies(ctx, p, others); err != nil {
			return err
		}
	}
	if len(limits) == 0 {
		return nil
	}
	err := w.personLimited(ctx, p, limits)
	if errors.Is(err, ErrKEK) && ctx.Err() == nil {
		w.owed.add(p, limits, w.missing)
		return nil
	}
	return err
}

// personDies erases again, and notes again what left.
func (w *walk) personDies(ctx context.Context, p PersonName, lines []*readLine) error {
	return w.v.atomicallyApart(ctx, KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID}, func(ctx context.Context) error {
		state, err := w.v.store.LockPerson(ctx, p.Tenant, p.SubjectID, Exclusive)
		if err != nil {
			return fmt.Errorf("vault: replay: lock person: %w", err)
		}
		if state.TenantShredded {
			return nil // more than the lines want is done; rest keeps them
		}
		found := false
		for _, l := range lines {
			if l.scope == exportScope {
				if err := w.leftAgain(ctx, p, l); err != nil {
					return err
				}
				continue
			}
			receipt, err := w.eraseAgain(ctx, p, l, &state)
			if err != nil {
				return err
			}
			found = found || !receipt.Already
		}
		if found {
			w.done.People++
		}
		return w.put(ctx, p.Tenant, w.unknown(lines))
	})
}

// personLimited restricts again, and lifts.
func (w *walk) personLimited(ctx context.Context, p PersonName, lines []*readLine) error {
	return w.v.atomicallyApart(ctx, KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID}, func(ctx context.Context) error {
		state, err := w.v.store.LockPerson(ctx, p.Tenant, p.SubjectID, Exclusive)
		if err != nil {
			return fmt.Errorf("vault: replay: lock person: %w", err)
		}
		if state.TenantShredded {
			return nil
		}
		if err := w.restrictAgain(ctx, p, lines); err != nil {
			return err
		}
		return w.put(ctx, p.Tenant, w.unknown(lines))
	})
}

// eraseAgain does what one line says of one person, with its evidence.
func (w *walk) eraseAgain(ctx context.Context, p PersonName, l *readLine, state *PersonState) (Receipt, error) {
	receipt := Receipt{Target: Target{Tenant: p.Tenant, SubjectID: p.SubjectID}, Already: true}
	if l.scope == generationScope {
		return w.retireAgain(ctx, p, l)
	}
	living, err := w.v.living(ctx, p)
	if err != nil {
		return receipt, err
	}
	shred := ShredKeys{Tenant: p.Tenant, SubjectID: p.SubjectID, At: w.v.micros()}
	for _, c := range living {
		named := l.has(w.names.compartment(KeyName{p.Tenant, p.SubjectID, c}))
		switch {
		case named && l.scope == compartmentsScope:
			shred.Compartments = append(shred.Compartments, c)
		case named:
			shred.Except = append(shred.Except, c)
		}
	}
	receipt.Target.Compartments = shred.Compartments
	closing := l.scope == subjectScope && state.ClosedAt == 0
	if l.scope == subjectScope || len(shred.Compartments) > 0 {
		rows, err := w.v.store.ShredKeys(ctx, shred)
		if err != nil {
			return receipt, fmt.Errorf("vault: replay: shred keys: %w", err)
		}
		receipt.addKeys(rows)
		receipt.stones, receipt.closed = len(rows), closing
		receipt.Already = len(rows) == 0 && !closing
	}
	if closing {
		if err := w.v.store.ClosePerson(ctx, p.Tenant, p.SubjectID, shred.At); err != nil {
			return receipt, fmt.Errorf("vault: replay: close person: %w", err)
		}
		state.ClosedAt = shred.At
	}
	err = w.witness(ctx, &receipt, l, shred.At)
	return receipt, err
}

// witness records what an erasure did again, and tells other processes, if
// there was something to do.
func (w *walk) witness(ctx context.Context, r *Receipt, l *readLine, at int64) error {
	if r.Already {
		return nil
	}
	for _, n := range r.Target.names() {
		if err := w.v.store.RaiseFence(ctx, FenceEvent{KeyName: n, At: at}); err != nil {
			return fmt.Errorf("vault: replay: raise fence: %w", err)
		}
	}
	w.done.Keys += len(r.Keys)
	id, err := w.tellAgain(ctx, r.replayEntry(&l.erasure))
	if err != nil {
		return fmt.Errorf("vault: record %s: %w", actReplay.Name, err)
	}
	r.Entry = id
	return w.v.nameEvidence(ctx, r, at)
}

// tellAgain records what died again. The trail needs the tenant's key-encryption
// key to name a person, and a dead person does not wait for that: then the entry
// names nobody, and the first shredding's, which it tells, does.
func (w *walk) tellAgain(ctx context.Context, e troth.Entry) (id troth.EntryID, err error) {
	record := func(ctx context.Context) error {
		var err error
		id, err = w.v.rec.Record(ctx, e)
		return err
	}
	err = w.v.tx.Atomically(ctx, record)
	if errors.Is(err, ErrKEK) && ctx.Err() == nil && e.SubjectID != "" {
		e.SubjectID = ""
		err = w.v.tx.Atomically(ctx, record)
	}
	return id, err
}

// unknown are the lines that the store does not hold; from then on it does, but
// for those that are owed.
func (w *walk) unknown(lines []*readLine) []*readLine {
	var unknown []*readLine
	for _, l := range lines {
		if w.missing[l.entry] && !w.owed.entries[l.entry] {
			unknown = append(unknown, l)
		}
	}
	return unknown
}

// restLines is how many lines are kept in one transaction.
const restLines = 256

// rest keeps the lines that found nobody, and so have no act to go with. Lines
// that were kept with what they did are kept once.
func (w *walk) rest(ctx context.Context) error {
	left := w.unknown(w.lines)
	for len(left) > 0 {
		n := min(restLines, len(left))
		err := w.v.tx.Atomically(ctx, func(ctx context.Context) error {
			return w.keepRest(ctx, left[:n])
		})
		if err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// keepRest keeps what is not kept yet, under the platform's name: whose it was
// is not known here.
func (w *walk) keepRest(ctx context.Context, lines []*readLine) error {
	batch := make([]readLine, len(lines))
	for i, l := range lines {
		batch[i] = *l
	}
	missing, err := w.v.missing(ctx, batch)
	if err != nil {
		return err
	}
	still := make([]*readLine, len(missing))
	for i := range missing {
		still[i] = &missing[i]
	}
	return w.put(ctx, troth.Platform, still)
}

// atomicallyApart runs a transaction of its own and forgets what died in it.
func (v *Vault) atomicallyApart(ctx context.Context, name KeyName, fn func(ctx context.Context) error) error {
	err := v.tx.Atomically(ctx, fn)
	v.forget(name)
	return err
}

// living are the person's compartments that have a living key, in order.
func (v *Vault) living(ctx context.Context, p PersonName) ([]troth.Compartment, error) {
	rows, err := v.store.PersonKeys(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: replay: read keys: %w", err)
	}
	var living []troth.Compartment
	for i := range rows {
		if rows[i].ShreddedAt == 0 {
			living = append(living, rows[i].Compartment)
		}
	}
	return slices.Compact(living), nil
}
