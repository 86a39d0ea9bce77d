package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/trothdev/troth"
)

var (
	// ErrKeyset says that a keyset cannot be taken in: it holds something else
	// than AES-256-GCM keys of Tink's own sizes, such as AES-128-GCM.
	ErrKeyset = errors.New("vault: keyset is not of AES-256-GCM keys")
	// ErrKeyConflict says that another key of the person has, or had, the id of
	// one in the keyset.
	ErrKeyConflict = errors.New("vault: key id is taken by another key")
)

// KeysetImport says which keys to take in, and whose they become.
type KeysetImport struct {
	Subject     troth.Subject
	Compartment troth.Compartment
	// Keyset is what Tink read, from whatever form and under whatever key.
	Keyset *keyset.Handle
	// Ground is why, in the host's words, as evidence has it.
	Ground string
}

// Imported is what [Vault.ImportKeyset] did.
type Imported struct {
	// Keys is how many keys were taken in, Known how many the person had
	// already, Disabled how many were left out because Tink would not use them.
	Keys, Known, Disabled int
}

// ImportKeyset takes the AES-256-GCM keys of a Tink keyset in, as generations of
// the key of a person's compartment, with their key ids. What Tink sealed with
// them and with [AssociatedData] opens like the vault's own; for what it sealed
// with other associated data there is [Vault.InsecureOpenForeign], to have it
// sealed anew.
//
// They only open: a new generation is begun behind them, so that no key which
// exists elsewhere seals. As after an export no horizon is promised for them.
// Taking in the same keyset again changes nothing. Keys, note, fence and evidence
// commit together, in the caller's transaction if there is one.
//
// Keys of 128 bits are refused like those of other kinds: each of a vault's records
// holds 256, and a keyset that is taken in must open all that it sealed. Open such
// values with Tink, and seal them here.
//
// It returns [ErrKeyset], [ErrKeyConflict], [ErrGenerations], [ErrShredded] and
// [ErrShredPending], and then has taken in nothing.
func (v *Vault) ImportKeyset(ctx context.Context, token SecretAccess, i KeysetImport) (Imported, error) {
	if err := errors.Join(i.Subject.Validate(), i.Compartment.Validate(), checkGround(i.Ground)); err != nil {
		return Imported{}, err
	}
	if _, err := troth.ActorFrom(ctx); err != nil {
		return Imported{}, err
	}
	keys, disabled, err := unpack(token, i.Keyset)
	if err != nil {
		return Imported{}, err
	}
	defer func() {
		for j := range keys {
			clear(keys[j].secret[:])
		}
	}()
	name := KeyName{Tenant: i.Subject.Tenant, SubjectID: i.Subject.ID, Compartment: i.Compartment}
	if err := v.ready(ctx, name); err != nil {
		return Imported{}, err
	}
	var first *RootRow
	if v.tx.Scope(ctx) == nil {
		if first, err = v.prepareRoot(ctx, name.Tenant, WrapLineage); err != nil {
			return Imported{}, err
		}
	}
	var did Imported
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		did = Imported{Disabled: disabled}
		return v.takeIn(ctx, &did, name, first, keys, i.Ground)
	})
	if err != nil {
		return Imported{}, err
	}
	v.forget(name)
	return did, nil
}

// foreignKey is one key of a keyset.
type foreignKey struct {
	id     uint32
	secret [keySize]byte
}

// unpack returns the keys that Tink would use, the primary last.
func unpack(token SecretAccess, h *keyset.Handle) (keys []foreignKey, disabled int, err error) {
	if h == nil || h.Len() == 0 {
		return nil, 0, ErrKeyset
	}
	var primary *foreignKey
	for i := range h.Len() {
		entry, err := h.Entry(i)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrKeyset, err)
		}
		if entry.KeyStatus() != keyset.Enabled {
			disabled++
			continue
		}
		key, ok := entry.Key().(*aesgcm.Key)
		if !ok || !ours(key) || entry.KeyID() == 0 {
			return nil, 0, ErrKeyset
		}
		secret := key.KeyBytes().Data(token)
		at := foreignKey{id: entry.KeyID(), secret: [keySize]byte(secret)}
		clear(secret)
		if entry.IsPrimary() {
			primary = &at
			continue
		}
		keys = append(keys, at)
	}
	if primary != nil {
		keys = append(keys, *primary)
	}
	for i := range keys {
		if slices.ContainsFunc(keys[:i], func(k foreignKey) bool { return k.id == keys[i].id }) {
			return nil, 0, ErrKeyConflict
		}
	}
	return keys, disabled, nil
}

// ours reports whether a key is of the sizes that the vault's are.
func ours(key *aesgcm.Key) bool {
	p, ok := key.Parameters().(*aesgcm.Parameters)
	return ok && p.KeySizeInBytes() == keySize && p.IVSizeInBytes() == nonceSize && p.TagSizeInBytes() == tagSize &&
		key.KeyBytes().Len() == keySize
}

func (v *Vault) takeIn(ctx context.Context, did *Imported, name KeyName, first *RootRow, keys []foreignKey, ground string) error {
	r, err := v.ensureRoot(ctx, name.Tenant, WrapLineage, first)
	if err != nil {
		return err
	}
	state, err := v.store.LockPerson(ctx, name.Tenant, name.SubjectID, Exclusive)
	if err != nil {
		return fmt.Errorf("vault: lock person: %w", err)
	}
	if closedTo(state, name.Compartment) {
		return ErrShredded
	}
	if err := v.checkBuried(ctx, name); err != nil {
		return err
	}
	if r, err = v.rootForKeys(ctx, name.Tenant, state, r); err != nil {
		return err
	}
	rows, err := v.generations(ctx, name)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return err
	}
	f, err := v.flagFor(ctx, &name, state)
	if err != nil {
		return err
	}
	next := KeyRow{
		KeyName: name, Epoch: r.epoch, FirstEpoch: r.epoch, CreatedAt: v.micros(), Generation: 1, Flag: f.encode(),
	}
	if len(rows) > 0 {
		next.Generation = rows[0].Generation + 1
	}
	var made []KeyRow
	for i := range keys {
		known, err := isKnown(rows, &keys[i])
		if err != nil {
			return err
		}
		if known {
			did.Known++
			continue
		}
		row := next
		if err := v.insertForeign(ctx, r, &row, &keys[i]); err != nil {
			return err
		}
		made = append(made, row)
		next.Generation++
	}
	did.Keys = len(made)
	if len(made) == 0 {
		return nil
	}
	if len(rows)+len(made)+1 > MaxGenerations {
		return ErrGenerations
	}
	if _, err := v.insertFresh(ctx, r, &next); err != nil {
		return err
	}
	return v.tookIn(ctx, name, made, next.CreatedAt, ground)
}

// rootForKeys returns the root under which the lock lets keys be made.
func (v *Vault) rootForKeys(ctx context.Context, tenant troth.Tenant, state PersonState, r *root) (*root, error) {
	if r != nil && r.epoch == state.Epoch {
		return r, nil
	}
	r, err := v.root(ctx, rootName{tenant: tenant, lineage: WrapLineage, epoch: int64(state.Epoch)})
	if err == nil && r == nil {
		err = ErrKeyRecord
	}
	return r, err
}

// isKnown reports whether the person's compartment has the key already.
func isKnown(rows []KeyRow, key *foreignKey) (bool, error) {
	for i := range rows {
		if rows[i].KeyID != key.id {
			continue
		}
		if rows[i].Commitment != commitment(&key.secret) {
			return false, ErrKeyConflict
		}
		return true, nil
	}
	return false, nil
}

// insertForeign adds a row with a key that is given.
func (v *Vault) insertForeign(ctx context.Context, r *root, row *KeyRow, key *foreignKey) error {
	row.KeyID, row.Commitment = key.id, commitment(&key.secret)
	row.Sealed = r.wrap.Seal(nil, nil, key.secret[:], appendKeyAAD(nil, row))
	inserted, err := v.store.InsertKey(ctx, *row)
	if err != nil {
		return fmt.Errorf("vault: insert key: %w", err)
	}
	if !inserted {
		return ErrKeyConflict
	}
	return nil
}

// insertFresh fills in a row with a new key and adds it.
func (v *Vault) insertFresh(ctx context.Context, r *root, row *KeyRow) (dataKey, error) {
	for range keyIDTries {
		key, err := wrapNew(row, r.wrap)
		if err != nil {
			return dataKey{}, err
		}
		inserted, err := v.store.InsertKey(ctx, *row)
		if err != nil {
			return dataKey{}, fmt.Errorf("vault: insert key: %w", err)
		}
		if inserted {
			return key, nil
		}
	}
	return dataKey{}, errKeyID
}

func (v *Vault) tookIn(ctx context.Context, name KeyName, made []KeyRow, at int64, ground string) error {
	if err := v.store.NoteExport(ctx, name, at); err != nil {
		return fmt.Errorf("vault: note export: %w", err)
	}
	if err := v.store.RaiseFence(ctx, FenceEvent{KeyName: name, At: at}); err != nil {
		return fmt.Errorf("vault: raise fence: %w", err)
	}
	v.forget(name)
	r := Receipt{}
	r.addKeys(made)
	return v.record(ctx, troth.Entry{
		Act: actImport, Tenant: name.Tenant, SubjectID: name.SubjectID,
		Facts: troth.Facts{
			"compartments": troth.Words(name.Compartment),
			"keys":         troth.Count(len(made)),
			"commitments":  troth.Digest(r.digest()),
			"ground":       troth.Word(ground),
		},
	})
}
