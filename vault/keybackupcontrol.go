package vault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// appendControl appends a note of an export, a restriction or a grant. The MACs
// of the latter two are the rows' own.
func (r *backupRecord) appendControl(b []byte) []byte {
	switch {
	case r.export != nil:
		e := r.export
		b = canon.AppendText(canon.AppendDomain(b, backupExportDomain), e.Tenant)
		b = canon.AppendText(b, e.SubjectID)
		return appendInts(canon.AppendText(b, e.Compartment), e.At)
	case r.limit != nil:
		l := r.limit
		b = canon.AppendText(canon.AppendDomain(b, backupLimitDomain), l.Tenant)
		b = canon.AppendBytes(b, l.ID[:])
		b = canon.AppendText(b, l.SubjectID)
		b = canon.AppendList(b, len(l.Except))
		for _, p := range l.Except {
			b = canon.AppendText(b, p)
		}
		b = appendInts(canon.AppendText(b, l.Ground), l.At, l.LiftedAt)
		b = canon.AppendBytes(b, l.Grant[:])
		b = canon.AppendBytes(b, l.LiftedBy[:])
		return canon.AppendBytes(b, l.MAC[:])
	}
	g := r.grant
	b = canon.AppendText(canon.AppendDomain(b, backupGrantDomain), g.Tenant)
	b = canon.AppendBytes(b, g.ID[:])
	b = canon.AppendText(b, g.SubjectID)
	b = canon.AppendBytes(b, g.Restriction[:])
	b = appendInts(canon.AppendText(b, g.Ground), g.Announced, g.At)
	return canon.AppendBytes(b, g.MAC[:])
}

func (r *backupRecord) readControl(domain string, f *fields) {
	switch domain {
	case backupExportDomain:
		r.export = &ExportRow{
			KeyName: KeyName{Tenant: f.tenant(), SubjectID: f.text(), Compartment: troth.Compartment(f.text())}, At: f.int(),
		}
	case backupLimitDomain:
		l := &RestrictionRow{Tenant: f.tenant(), ID: f.entry(), SubjectID: f.text()}
		for _, p := range f.next(canon.TagList).List {
			f.bad = f.bad || p.Tag != canon.TagText
			l.Except = append(l.Except, troth.Purpose(p.Text))
		}
		l.Ground, l.At, l.LiftedAt, l.Grant, l.LiftedBy, l.MAC = f.text(), f.int(), f.int(), f.entry(), f.entry(), f.digest()
		r.limit = l
	case backupGrantDomain:
		r.grant = &GrantRow{
			Tenant: f.tenant(), ID: f.entry(), SubjectID: f.text(), Restriction: f.entry(), Ground: f.text(),
			Announced: f.int(), At: f.int(), MAC: f.digest(),
		}
	}
}

// writeControls writes what there is of a tenant, with the notes of exports that
// are at hand.
func (v *Vault) writeControls(ctx context.Context, b *backupWriter, tenant troth.Tenant, exports *queue[ExportRow]) error {
	for ; exports.more && exports.head.Tenant == tenant; exports.next() {
		if err := b.record(backupRecord{export: &exports.head}); err != nil {
			return err
		}
	}
	limits := paged(func(after RestrictionRow) ([]RestrictionRow, error) {
		return v.store.RestrictionsPage(ctx, tenant, after.ID, walkPage)
	})
	for row, err := range limits {
		if err == nil {
			err = b.record(backupRecord{limit: &row})
		}
		if err != nil {
			return err
		}
	}
	grants := paged(func(after GrantRow) ([]GrantRow, error) {
		return v.store.GrantsPage(ctx, tenant, after.ID, walkPage)
	})
	for row, err := range grants {
		if err == nil {
			err = b.record(backupRecord{grant: &row})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) allExports(ctx context.Context) func(yield func(ExportRow, error) bool) {
	return paged(func(after ExportRow) ([]ExportRow, error) { return v.store.ExportsAfter(ctx, after.KeyName, walkPage) })
}
