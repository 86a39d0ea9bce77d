package unsubscribe_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// keptKeys are what a host keeps beside a contact of a client's.
func (p *gateProcess) keptKeys(tenant troth.Tenant, c unsubscribe.Channel, address string) unsubscribe.Keys {
	p.t.Helper()
	h, err := p.Hasher(p.ctx, tenant)
	require.NoError(p.t, err)
	k, err := h.Keys(c, address)
	require.NoError(p.t, err)
	return k
}

// A host that mixes its contacts' keys up must not have the gate send: under keys of
// another client or channel nothing stands.
func TestGate_KeysOfAnotherClientOrChannelLetNobodyThrough(t *testing.T) {
	for name, opts := range map[string][]unsubscribe.GateOption{"index": nil, "database": {unsubscribe.WithDatabaseMode()}} {
		t.Run(name, func(t *testing.T) {
			p := newGateWorld(t).loaded(opts...)
			const who = "+49 170 1234567"
			p.optOut("ada@example.org", unsubscribe.Client)
			untagged := p.keptKeys(gateAcme, unsubscribe.Email, "eve@example.org")
			untagged = unsubscribe.Keys{Client: untagged.Client, Everything: untagged.Everything}
			for name, k := range map[string]unsubscribe.Keys{
				"another client's":  p.keptKeys(gateOther, unsubscribe.Email, "ada@example.org"),
				"another channel's": p.keptKeys(gateAcme, unsubscribe.Messenger, "ada@example.org"),
				"a telephone's":     p.keptKeys(gateAcme, unsubscribe.SMS, who),
				"of no hasher":      untagged,
			} {
				v, err := p.gate.Ask(p.ctx, gateLetter, unsubscribe.Recipient{Keys: k})
				require.NoError(t, err)
				require.Equal(t, unsubscribe.Decision{Reason: unsubscribe.ReasonKeys}, v.Decision, name)
			}
			v, err := p.gate.Ask(p.ctx, gateLetter, unsubscribe.Recipient{Keys: p.keptKeys(gateAcme, unsubscribe.Email, "eve@example.org")})
			require.NoError(t, err)
			require.True(t, v.Send)
			_, err = p.Rekey(p.ctx, gateAcme)
			require.NoError(t, err)
			h, err := p.Hasher(p.ctx, gateAcme)
			require.NoError(t, err)
			_, err = h.Rewrap(p.keptKeys(gateOther, unsubscribe.Email, "ada@example.org"))
			require.ErrorIs(t, err, unsubscribe.ErrKeys)
			now, err := h.Rewrap(v.Recipient.Keys)
			require.NoError(t, err)
			again, err := p.gate.Ask(p.ctx, gateLetter, unsubscribe.Recipient{Keys: now})
			require.NoError(t, err)
			require.True(t, again.Send, "the tag stays when keys change")
		})
	}
}

func TestKeys_StoredFormIsReadAsItWasWritten(t *testing.T) {
	p := newGateWorld(t).loaded()
	k := p.keptKeys(gateAcme, unsubscribe.Email, "a.b+c@gmail.com")
	stored, err := k.MarshalBinary()
	require.NoError(t, err)
	require.Len(t, stored, 145)
	require.Equal(t, "01f4152c0aebfdf1e8", hex.EncodeToString(stored[:9]), "version and tag of acme and email")
	var read unsubscribe.Keys
	require.NoError(t, read.UnmarshalBinary(stored))
	require.Equal(t, k, read)
	p.optOut("ab@gmail.com", unsubscribe.Client)
	v, err := p.gate.Ask(p.ctx, gateLetter, unsubscribe.Recipient{Keys: read})
	require.NoError(t, err)
	require.False(t, v.Send)
	for _, bad := range [][]byte{nil, stored[1:], append(stored, 0), append([]byte{2}, stored[1:]...)} {
		require.ErrorIs(t, new(unsubscribe.Keys).UnmarshalBinary(bad), unsubscribe.ErrRecord)
	}
}
