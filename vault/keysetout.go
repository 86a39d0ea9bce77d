package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset" //nolint:depguard // for the export that says so
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"

	"github.com/trothdev/troth"
)

// SecretAccess is the token of Tink that who gives keys away or takes them in
// must hold: search a program for it to find those who do.
type SecretAccess = insecuresecretdataaccess.Token

// KeysetExport says which keys to give away, and to whom.
type KeysetExport struct {
	Tenant troth.Tenant
	// SubjectID is the person. Without one nothing is given away, unless
	// WholeTenant says that everybody's keys are meant.
	SubjectID   string
	WholeTenant bool
	// Compartment is the one; without it all of the person's are, but for
	// [troth.PseudonymCompartment], which leaves by name only.
	Compartment troth.Compartment
	// Ground is why, in the host's words, as evidence has it. Of a person who is
	// restricted keys leave only if it is one of the excepted purposes.
	Ground string
	// Under encrypts the keyset, bound to AssociatedData: a key of whoever gets
	// it.
	Under          KEK
	AssociatedData []byte
	// After is the Next of the call before; the zero KeyName begins. Limit
	// bounds the names of one keyset: 1 to 1,000, 100 if it is 0.
	After KeyName
	Limit int
}

// Keyset is what was given away.
type Keyset struct {
	// Bytes are Tink's EncryptedKeyset, in its binary form, or, from
	// [Vault.InsecureExportCleartextKeyset], its Keyset; none if there is no key on
	// a page of a tenant's.
	Bytes []byte
	// Keys is how many keys there are in it, all generations of each name. The
	// primary is the newest of the first name.
	Keys int
	// Restricted is how many names were passed over because their person is
	// restricted.
	Restricted int
	// Next is where the next keyset begins; Done says that this is the last.
	Next KeyName
	Done bool
}

// ExportKeyset gives keys away as a Tink keyset of AES-GCM keys, encrypted under
// a key of the host's choice. With it Tink opens, in any language, what the vault
// sealed, given [AssociatedData] as associated data, and seals what the vault
// opens. A keyset holds the keys of one compartment, of one person, or of a page
// of a tenant's people; keys are never split over two, and a page ends early
// where two people's key ids are the same.
//
// What is given away is out of the vault's hands: shredding does not reach it.
// The store remembers it, so that no horizon is promised for these keys any more,
// and so do the trail and the erasure journal, where there is one, before
// ExportKeyset returns: a journal that fails is an error, and nothing leaves. It cannot be done inside a
// transaction: [ErrInTx].
//
// It returns [ErrTarget] where it is unclear whose keys are meant, [ErrNoKey]
// where there are none, [ErrShredded] and [ErrShredPending] for destroyed keys, and
// a *[RestrictedError] where one person is meant whose restrictions leave the
// ground no room.
func (v *Vault) ExportKeyset(ctx context.Context, token SecretAccess, e KeysetExport) (Keyset, error) {
	if e.Under == nil {
		return Keyset{}, fmt.Errorf("%w: no key to encrypt the keyset under", ErrTarget)
	}
	return v.export(ctx, token, e, func(h *keyset.Handle) ([]byte, error) {
		var out bytes.Buffer
		under := &toldKEK{KEK: e.Under}
		err := h.WriteWithContext(ctx, keyset.NewBinaryWriter(&out), under, e.AssociatedData)
		if under.err != nil { // Tink keeps its words alone
			err = fmt.Errorf("%w: %w", ErrKEK, under.err)
		}
		return out.Bytes(), err
	})
}

// toldKEK remembers what the key that it wraps said.
type toldKEK struct {
	KEK
	err error
}

func (k *toldKEK) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) (b []byte, err error) {
	b, k.err = k.KEK.EncryptWithContext(ctx, plaintext, associatedData)
	return b, k.err
}

// InsecureExportCleartextKeyset is [Vault.ExportKeyset] without encryption:
// whoever sees the bytes has the keys. Under must be nil.
func (v *Vault) InsecureExportCleartextKeyset(ctx context.Context, token SecretAccess, e KeysetExport) (Keyset, error) {
	if e.Under != nil {
		return Keyset{}, fmt.Errorf("%w: a key to encrypt under, and no encryption", ErrTarget)
	}
	return v.export(ctx, token, e, func(h *keyset.Handle) ([]byte, error) {
		var out bytes.Buffer
		err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&out))
		return out.Bytes(), err
	})
}

func (e *KeysetExport) validate() error {
	switch {
	case e.WholeTenant == (e.SubjectID != ""):
		return fmt.Errorf("%w: neither a person nor the whole tenant, or both", ErrTarget)
	case e.WholeTenant && e.Compartment != "":
		return fmt.Errorf("%w: a compartment without a person", ErrTarget)
	case e.Limit < 0 || e.Limit > 1000 || e.After.Tenant != "" && e.After.Tenant != e.Tenant:
		return fmt.Errorf("%w: limit or cursor", ErrTarget)
	case e.SubjectID != "" && e.After.SubjectID != "" && e.After.SubjectID != e.SubjectID:
		return fmt.Errorf("%w: cursor of somebody else", ErrTarget)
	}
	err := errors.Join(e.Tenant.Validate(), checkGround(e.Ground))
	if e.SubjectID != "" {
		err = errors.Join(err, troth.Subject{Tenant: e.Tenant, ID: e.SubjectID}.Validate())
	}
	if e.Compartment != "" {
		err = errors.Join(err, e.Compartment.Validate())
	}
	return err
}

func (v *Vault) export(ctx context.Context, token SecretAccess, e KeysetExport, write func(*keyset.Handle) ([]byte, error)) (Keyset, error) {
	if err := e.validate(); err != nil {
		return Keyset{}, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Keyset{}, err
	}
	if v.tx.Scope(ctx) != nil {
		return Keyset{}, ErrInTx
	}
	if err := v.ready(ctx, KeyName{Tenant: e.Tenant, SubjectID: e.SubjectID, Compartment: e.Compartment}); err != nil {
		return Keyset{}, err
	}
	p, err := v.pack(ctx, token, &e)
	if err != nil {
		return Keyset{}, err
	}
	switch {
	case len(p.rows) > 0:
	case e.WholeTenant && (!p.out.Done || e.After != (KeyName{}) || p.out.Restricted > 0):
		return p.out, nil // a page of which nothing leaves
	default:
		return Keyset{}, ErrNoKey
	}
	handle, err := p.manager.Handle()
	if err != nil {
		return Keyset{}, fmt.Errorf("vault: export keyset: %w", err)
	}
	p.out.Bytes, err = write(handle)
	if ctx.Err() != nil {
		return Keyset{}, ctx.Err()
	}
	if err != nil {
		return Keyset{}, fmt.Errorf("vault: export keyset: %w", err)
	}
	s, err := v.newScribe(ctx)
	if err == nil {
		err = v.tx.Atomically(ctx, func(ctx context.Context) error { return v.noteExport(ctx, s, &e, p) })
	}
	if err == nil { // where a restore would find it, before anything leaves
		err = v.PumpJournal(ctx)
	}
	if err != nil {
		clear(p.out.Bytes)
		return Keyset{}, err
	}
	return p.out, nil
}

// packing is a keyset in the making.
type packing struct {
	manager *keyset.Manager
	ids     map[uint32]bool
	names   []KeyName
	rows    []KeyRow
	out     Keyset
}

// pack puts the keys of a page of names into a keyset.
func (v *Vault) pack(ctx context.Context, token SecretAccess, e *KeysetExport) (*packing, error) {
	p := &packing{manager: keyset.NewManager(), ids: map[uint32]bool{}}
	names, done, err := v.exportNames(ctx, e)
	if err != nil {
		return nil, err
	}
	p.out.Done = done
	for _, name := range names {
		if name.Compartment == troth.PseudonymCompartment && e.Compartment == "" {
			p.out.Next = name
			continue
		}
		if err := v.checkPending(ctx, &name); err != nil {
			return nil, err
		}
		rows, err := v.exportable(ctx, e, name)
		switch {
		case errors.Is(err, ErrShredded) && e.Compartment == "":
			p.out.Next = name // gone since it was listed
			continue
		case errors.Is(err, ErrRestricted) && e.WholeTenant:
			p.out.Next = name
			p.out.Restricted++
			continue
		case err != nil:
			return nil, err
		}
		if p.clash(rows) {
			p.out.Done = false
			break
		}
		if err := v.packName(ctx, token, p, rows); err != nil {
			return nil, err
		}
		p.out.Next = name
	}
	if len(p.rows) == 0 {
		return p, nil
	}
	p.out.Keys = len(p.rows)
	return p, p.manager.SetPrimary(p.rows[0].KeyID)
}

// exportable returns the rows under a name that lives, if no restriction keeps
// them here.
func (v *Vault) exportable(ctx context.Context, e *KeysetExport, name KeyName) ([]KeyRow, error) {
	if err := v.checkRestricting(ctx, &name, troth.Purpose(e.Ground)); err != nil {
		return nil, err
	}
	rows, err := v.generations(ctx, name)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		f, err := parseFlag(rows[i].Flag)
		if err != nil {
			return nil, err
		}
		if len(f) > 0 && !f.rule().allows(troth.Purpose(e.Ground)) {
			return nil, &RestrictedError{Purpose: troth.Purpose(e.Ground)}
		}
	}
	return rows, nil
}

// exportNames returns the names of a page, and whether there are no more.
func (v *Vault) exportNames(ctx context.Context, e *KeysetExport) (names []KeyName, done bool, err error) {
	if e.Compartment != "" {
		return []KeyName{{Tenant: e.Tenant, SubjectID: e.SubjectID, Compartment: e.Compartment}}, true, nil
	}
	limit := e.Limit
	if limit == 0 {
		limit = 100
	}
	after := e.After
	after.Tenant = e.Tenant
	if after.SubjectID == "" {
		after.SubjectID = e.SubjectID
	}
	rows, err := v.store.NewestKeys(ctx, after, limit)
	if err != nil {
		return nil, false, fmt.Errorf("vault: list keys: %w", err)
	}
	done = len(rows) < limit
	for i := range rows {
		n := rows[i].KeyName
		if n.Tenant != e.Tenant {
			return nil, false, ErrKeyRecord
		}
		if e.SubjectID != "" && n.SubjectID != e.SubjectID {
			return names, true, nil
		}
		names = append(names, n)
	}
	return names, done, nil
}

// clash reports whether a key id is in the keyset already: another person's, for
// one person has each once.
func (p *packing) clash(rows []KeyRow) bool {
	for i := range rows {
		if p.ids[rows[i].KeyID] {
			return true
		}
	}
	return false
}

func (v *Vault) packName(ctx context.Context, token SecretAccess, p *packing, rows []KeyRow) error {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: keySize, IVSizeInBytes: nonceSize, TagSizeInBytes: tagSize, Variant: aesgcm.VariantTink,
	})
	if err != nil {
		return fmt.Errorf("vault: export keyset: %w", err)
	}
	for i := range rows {
		row := &rows[i]
		r, err := v.root(ctx, rootName{tenant: row.Tenant, lineage: WrapLineage, epoch: int64(row.Epoch)})
		if err != nil {
			return err
		}
		if r == nil {
			return ErrKeyRecord
		}
		var secret [keySize]byte
		err = unwrapInto(&secret, row, r.wrap)
		if err == nil {
			var key *aesgcm.Key
			if key, err = aesgcm.NewKey(secretdata.NewBytesFromData(secret[:], token), row.KeyID, params); err == nil {
				_, err = p.manager.AddKey(key)
			}
		}
		clear(secret[:])
		if err != nil {
			return fmt.Errorf("vault: export keyset: %w", err)
		}
		p.ids[row.KeyID] = true
		p.rows = append(p.rows, *row)
	}
	p.names = append(p.names, rows[0].KeyName)
	return nil
}

// noteExport remembers and records what is about to leave. Nobody can shred it
// meanwhile: either they shred what is known to be elsewhere, or it does not
// leave.
func (v *Vault) noteExport(ctx context.Context, s *scribe, e *KeysetExport, p *packing) error {
	at := v.micros()
	for _, name := range p.names {
		state, err := v.store.LockPerson(ctx, name.Tenant, name.SubjectID, Shared)
		if err != nil {
			return fmt.Errorf("vault: lock person: %w", err)
		}
		if state.TenantShredded { // a closed person's compartments that live may leave
			return ErrShredded
		}
		if _, err := v.exportable(ctx, e, name); err != nil {
			return err
		}
		if err := v.store.NoteExport(ctx, name, at); err != nil {
			return fmt.Errorf("vault: note export: %w", err)
		}
	}
	r := Receipt{Target: Target{Tenant: e.Tenant, SubjectID: e.SubjectID}}
	r.addKeys(p.rows)
	if e.Compartment != "" {
		r.Target.Compartments = []troth.Compartment{e.Compartment}
	}
	kept := "encrypted"
	if e.Under == nil {
		kept = "cleartext"
	}
	id, err := v.rec.Record(ctx, troth.Entry{
		Act: actExport, Tenant: e.Tenant, SubjectID: e.SubjectID,
		Facts: troth.Facts{
			"scope":        troth.Word(r.Target.kind()),
			"compartments": troth.Words(r.compartments()...),
			"keys":         troth.Count(len(p.rows)),
			"commitments":  troth.Digest(r.digest()),
			"ground":       troth.Word(e.Ground),
			"keyset":       troth.Word(kept),
		},
	})
	if err != nil {
		return fmt.Errorf("vault: record %s: %w", actExport.Name, err)
	}
	left := Target{Tenant: e.Tenant, SubjectID: e.SubjectID}
	for _, n := range p.names {
		left.Compartments = append(left.Compartments, n.Compartment)
	}
	return v.noteLeft(ctx, s, left, id, at)
}
