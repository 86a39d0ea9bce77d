package vault_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

// TestFault_RenewKeys: however often a renewal is broken off, each name gets one
// generation, and the evidence tells of as many as there are.
func TestFault_RenewKeys(t *testing.T) {
	var before time.Time
	eachEpochFault(t, func(f *faulted) {
		f.pass(time.Hour)
		before = f.at
		f.pass(time.Hour)
	}, func(f *faulted, ctx context.Context) error {
		r := vault.Renewal{OlderThan: before, Limit: 2}
		for {
			did, err := f.v.RenewKeys(ctx, shop, r)
			if err != nil || did.Done {
				return err
			}
			r.After = did.Next
		}
	}, func(f *faulted) {
		for id := range f.values {
			rows, err := f.store.Keys(f.ctx, nameOf(emailOf(shop, id, profile)))
			require.NoError(f.t, err)
			require.Len(f.t, rows, 2, id)
		}
		told := int64(0)
		for _, facts := range f.facts("vault.renew") {
			told += facts["keys"].Number()
		}
		require.EqualValues(f.t, len(f.values), told)
		rows, err := f.store.Keys(f.ctx, nameOf(emailOf(shop, "dead", profile)))
		require.NoError(f.t, err)
		require.Len(f.t, rows, 1, "who is dead gets none")
	})
}

// TestFault_Reencrypt: however often it is broken off, every value is there and
// opens, under the newest generation when it is through.
func TestFault_Reencrypt(t *testing.T) {
	hosts := map[*faulted]*memory.Table[string, []byte]{} // the host's own table
	eachEpochFault(t, func(f *faulted) {
		f.pass(time.Hour)
		did, err := f.open().RenewKeys(f.ctx, shop, vault.Renewal{OlderThan: f.at})
		require.NoError(f.t, err)
		require.True(f.t, did.Done)
		hosts[f] = memory.NewTable[string, []byte](f.db, strings.Compare)
		for id, sealed := range f.values {
			require.NoError(f.t, hosts[f].Put(f.ctx, id, sealed))
		}
	}, func(f *faulted, ctx context.Context) error {
		_, err := f.v.Reencrypt(ctx, reencryption(hosts[f]))
		for id := range f.values {
			sealed, found, readErr := hosts[f].Get(f.ctx, id)
			require.NoError(f.t, readErr)
			require.True(f.t, found)
			f.values[id] = sealed
		}
		return err
	}, func(f *faulted) {
		for id, sealed := range f.values {
			require.EqualValues(f.t, 2, f.generationOf(emailOf(shop, id, profile), sealed), id)
		}
	})
}

// reencryption goes through the values two by two.
func reencryption(host *memory.Table[string, []byte]) vault.Reencryption {
	return vault.Reencryption{
		Purpose: orders,
		Page: func(ctx context.Context, after string) (items []vault.Item, next string, err error) {
			rows, err := host.Scan(ctx, &after, 2, nil)
			for _, r := range rows {
				items, next = append(items, vault.Item{At: emailOf(shop, r.Key, profile), Data: r.Value}), r.Key
			}
			return items, next, err
		},
		WriteBack: func(ctx context.Context, at troth.Context, old, anew []byte) (bool, error) {
			stands, _, err := host.Get(ctx, at.Subject.ID)
			if err != nil || !bytes.Equal(stands, old) {
				return false, err
			}
			return true, host.Put(ctx, at.Subject.ID, bytes.Clone(anew))
		},
	}
}
