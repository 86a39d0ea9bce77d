package vault_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/vault"
)

const controlVectorFile = "testdata/control.json"

// controlVectors are one of every control row that docs/formats/vault.md
// describes, of the person, key and roots of the other vectors.
type controlVectors struct {
	// Except are the purposes that the restriction excepts.
	Except []troth.Purpose `json:"except"`
	Ground string          `json:"ground"`
	At     int64           `json:"at"`
	// The ids are of entries.
	Restriction hexBytes `json:"restriction"`
	// Key is the data key under the restriction.
	Key struct {
		Flag   hexBytes `json:"flag"`
		AAD    hexBytes `json:"aad"`
		Sealed hexBytes `json:"sealed"`
	} `json:"key"`
	MACKey derived `json:"macKey"`
	// InForce and Lifted are the MACs of the restriction before and after it was
	// lifted.
	InForce  hexBytes `json:"inForceMac"`
	Grant    hexBytes `json:"grant"`
	LiftedBy hexBytes `json:"liftedBy"`
	LiftedAt int64    `json:"liftedAt"`
	Lifted   hexBytes `json:"liftedMac"`
	// GrantMAC is of a grant with the restriction's ground.
	Announced int64    `json:"announced"`
	GrantAt   int64    `json:"grantAt"`
	GrantMAC  hexBytes `json:"grantMac"`
}

// flag is written as docs/formats/vault.md says.
func (c *controlVectors) flag() hexBytes {
	b := canon.AppendDomain(nil, "troth.vault.flag/1")
	b = canon.AppendList(b, 1)
	b = canon.AppendList(b, 2)
	b = canon.AppendBytes(b, c.Restriction)
	return c.exceptions(b)
}

func (c *controlVectors) exceptions(b []byte) []byte {
	b = canon.AppendList(b, len(c.Except))
	for _, p := range c.Except {
		b = canon.AppendText(b, p)
	}
	return b
}

func (c *controlVectors) keyAAD(v *vectors) hexBytes {
	b := canon.AppendDomain(nil, "troth.vault.key/2")
	b = canon.AppendText(b, v.Tenant)
	b = canon.AppendText(b, v.Subject)
	b = canon.AppendText(b, v.Compartment)
	b = canon.AppendUint(b, uint64(v.DataKey.Generation))
	b = canon.AppendUint(b, uint64(v.DataKey.KeyID))
	b = canon.AppendUint(b, uint64(v.DataKey.Epoch))
	b = canon.AppendBytes(b, v.DataKey.Commitment)
	return canon.AppendBytes(b, c.Key.Flag)
}

func (c *controlVectors) mac(message []byte) hexBytes {
	h := hmac.New(sha256.New, c.MACKey.Key)
	h.Write(message)
	return h.Sum(nil)
}

func (c *controlVectors) restrictionMAC(v *vectors, liftedAt int64, grant, by []byte) hexBytes {
	b := canon.AppendDomain(nil, "troth.vault.restriction/1")
	b = canon.AppendText(b, v.Tenant)
	b = canon.AppendText(b, v.Subject)
	b = canon.AppendBytes(b, c.Restriction)
	b = c.exceptions(b)
	b = canon.AppendText(b, c.Ground)
	b = canon.AppendInt(b, c.At)
	b = canon.AppendInt(b, liftedAt)
	b = canon.AppendBytes(b, grant)
	return c.mac(canon.AppendBytes(b, by))
}

func (c *controlVectors) grantMAC(v *vectors) hexBytes {
	b := canon.AppendDomain(nil, "troth.vault.grant/1")
	b = canon.AppendText(b, v.Tenant)
	b = canon.AppendText(b, v.Subject)
	b = canon.AppendBytes(b, c.Grant)
	b = canon.AppendBytes(b, c.Restriction)
	b = canon.AppendText(b, c.Ground)
	b = canon.AppendInt(b, c.Announced)
	return c.mac(canon.AppendInt(b, c.GrantAt))
}

// TestFormat_ControlRowsAsDocumented reads stored bytes by what
// docs/formats/vault.md says and by nothing else of the vault.
func TestFormat_ControlRowsAsDocumented(t *testing.T) {
	v := readVectors(t)
	c := readControlVectors(t, v)
	none := make([]byte, 16)
	require.Equal(t, c.flag(), c.Key.Flag)
	require.Equal(t, c.keyAAD(v), c.Key.AAD)
	require.Equal(t, v.DataKey.Secret, hexBytes(gcmOpen(t, v.WrapKey, c.Key.Sealed, c.Key.AAD)))
	info := canon.AppendText(canon.AppendText(canon.AppendDomain(nil, "troth.vault.control/1"), "vault.control"), "1")
	require.Equal(t, hexBytes(info), c.MACKey.Info)
	require.Equal(t, c.MACKey.Key, hexBytes(expand(t, v.IndexRoot.Secret, string(info))))
	require.Equal(t, c.restrictionMAC(v, 0, none, none), c.InForce)
	require.Equal(t, c.restrictionMAC(v, c.LiftedAt, c.Grant, c.LiftedBy), c.Lifted)
	require.Equal(t, c.grantMAC(v), c.GrantMAC)
}

// TestFormat_VaultReadsControlRows puts the stored bytes into a store.
func TestFormat_VaultReadsControlRows(t *testing.T) {
	x := readVectors(t)
	c := readControlVectors(t, x)
	w := newWorld(t)
	for _, row := range []vault.RootRow{x.rootRow(vault.WrapLineage, x.WrapRoot), x.rootRow(vault.IndexLineage, x.IndexRoot)} {
		_, err := w.store.InsertRoot(w.ctx, row)
		require.NoError(t, err)
	}
	key := x.keyRow()
	key.Sealed, key.Flag = c.Key.Sealed, c.Key.Flag
	_, err := w.store.InsertKey(w.ctx, key)
	require.NoError(t, err)
	row := vault.RestrictionRow{
		Tenant: troth.Tenant(x.Tenant), SubjectID: x.Subject, ID: troth.EntryID(c.Restriction),
		Except: c.Except, Ground: c.Ground, At: c.At, MAC: [32]byte(c.InForce),
	}
	_, err = w.store.InsertRestriction(w.ctx, row)
	require.NoError(t, err)
	_, err = w.store.InsertGrant(w.ctx, vault.GrantRow{
		Tenant: row.Tenant, SubjectID: row.SubjectID, ID: troth.EntryID(c.Grant), Restriction: row.ID,
		Ground: c.Ground, Announced: c.Announced, At: c.GrantAt, MAC: [32]byte(c.GrantMAC),
	})
	require.NoError(t, err)

	v := w.vault()
	_, err = v.AppendOpen(w.ctx, nil, x.at(), orders, x.Value.Sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	for _, p := range c.Except {
		plain, err := v.AppendOpen(w.ctx, nil, x.at(), p, x.Value.Sealed)
		require.NoError(t, err)
		require.Equal(t, x.Value.Plaintext, string(plain))
	}
	rs, err := v.Restrictions(w.ctx, row.Tenant, row.SubjectID)
	require.NoError(t, err)
	require.Len(t, rs, 1)
	grants, err := v.Grants(w.ctx, row.Tenant, row.SubjectID)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	_, err = v.Lift(w.ctx, grants[0])
	require.NoError(t, err)
	w.opens(v, x.at(), x.Value.Sealed, x.Value.Plaintext)

	row.LiftedAt, row.Grant, row.LiftedBy = c.LiftedAt, troth.EntryID(c.Grant), troth.EntryID(c.LiftedBy)
	row.SubjectID, row.ID, row.MAC = x.Subject, troth.EntryID(c.Restriction), [32]byte(c.Lifted)
	w2 := newWorld(t)
	_, err = w2.store.InsertRoot(w.ctx, x.rootRow(vault.IndexLineage, x.IndexRoot))
	require.NoError(t, err)
	_, err = w2.store.InsertRestriction(w.ctx, row)
	require.NoError(t, err)
	_, err = w2.store.LiftRestriction(w.ctx, row)
	require.NoError(t, err)
	rs, err = w2.vault().Restrictions(w.ctx, row.Tenant, row.SubjectID)
	require.NoError(t, err)
	require.Equal(t, c.LiftedAt, rs[0].LiftedAt.UnixMicro())
}

func readControlVectors(t *testing.T, v *vectors) *controlVectors {
	t.Helper()
	if *updateVectors {
		writeControlVectors(t, v)
	}
	text, err := os.ReadFile(controlVectorFile)
	require.NoError(t, err)
	var c controlVectors
	require.NoError(t, json.Unmarshal(text, &c))
	return &c
}

func writeControlVectors(t *testing.T, v *vectors) {
	t.Helper()
	id := func(b byte) hexBytes { sum := sha256.Sum256([]byte{b}); return sum[:16] }
	c := &controlVectors{
		Except: []troth.Purpose{"asked-by-the-person", "legal-claims"}, Ground: "accuracy-contested",
		At: 1_763_776_391_123_457, Restriction: id('R'), Grant: id('G'), LiftedBy: id('L'),
		Announced: 1_763_862_791_000_000, GrantAt: 1_763_862_790_000_001, LiftedAt: 1_763_862_792_000_003,
	}
	c.Key.Flag = c.flag()
	c.Key.AAD = c.keyAAD(v)
	block, err := aes.NewCipher(v.WrapKey)
	require.NoError(t, err)
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	c.Key.Sealed = gcm.Seal(nil, nil, v.DataKey.Secret, c.Key.AAD)
	c.MACKey = derived{Use: "vault.control", ID: "1"}
	c.MACKey.Info = canon.AppendText(canon.AppendText(canon.AppendDomain(nil, "troth.vault.control/1"), c.MACKey.Use), c.MACKey.ID)
	c.MACKey.Key = expand(t, v.IndexRoot.Secret, string(c.MACKey.Info))
	none := make([]byte, 16)
	c.InForce = c.restrictionMAC(v, 0, none, none)
	c.Lifted = c.restrictionMAC(v, c.LiftedAt, c.Grant, c.LiftedBy)
	c.GrantMAC = c.grantMAC(v)
	text, err := json.MarshalIndent(c, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(controlVectorFile, append(text, '\n'), 0o644))
}
