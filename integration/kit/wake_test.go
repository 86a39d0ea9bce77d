package kit_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// victimEnv makes the test binary a program that carries the erasure "e" on, and is killed in
// the middle of the Keeper's part of it.
const victimEnv = "TROTH_TEST_KIT_VICTIM"

// victim is what that program is told.
type victim struct {
	Dialect        sqlstore.Dialect
	Driver, Source string
	At             time.Time
}

// deadly is a handler that its process does not survive.
type deadly struct{ orders }

func (*deadly) Destroy(context.Context, retention.Order) error {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func runVictim(config string) error {
	var v victim
	if err := json.Unmarshal([]byte(config), &v); err != nil {
		return err
	}
	db, err := sql.Open(v.Driver, v.Source)
	if err != nil {
		return err
	}
	ctx := context.Background()
	c := erasing(database{v.Dialect, v.Driver, v.Source}, db, &hand{at: v.At}, &deadly{})
	k, err := kit.Open(ctx, c)
	if err != nil {
		return err
	}
	if err := k.Rights.Step(troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "order-desk"}), "acme", "e"); err != nil {
		return err
	}
	return errors.New("it lives")
}

// erasing is a host with a keeper, whose processes give up a sweep in a second.
func erasing(d database, db *sql.DB, clock *hand, h retention.Handler) kit.Config {
	c := d.config(db)
	c.Clock = clock.now
	c.Retention = func(k *kit.Kit) []retention.Option {
		if o, is := h.(*orders); is {
			o.k = k
		}
		return []retention.Option{
			retention.WithRecords("order", retention.Registration{Handler: h}),
			retention.UnsafeWithoutApproval(), retention.WithLease(time.Second),
		}
	}
	c.Rights = func(*kit.Kit) []rights.Option {
		return []rights.Option{rights.WithCoolingOff(0), rights.WithController("Acme Ltd.")}
	}
	return c
}

// erasing opens such a host, with one order of Ada's.
func (d database) erasing(t *testing.T) (*kit.Kit, *orders, *hand) {
	t.Helper()
	clock, h := &hand{at: time.Now()}, &orders{}
	k, err := kit.Open(t.Context(), erasing(d, d.connect(t), clock, h))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
	p, err := retention.ParseYAML([]byte(kept))
	require.NoError(t, err)
	require.NoError(t, k.Keeper.Activate(as(t, "officer", "dpo"), p))
	require.NoError(t, k.Keeper.Created(asService(t), retention.NewRecord{
		RecordKey: retention.RecordKey{Tenant: "acme", Type: "order", ID: "4711"}, SubjectID: "ada",
	}))
	return k, h, clock
}

// certified is what a certificate says of the Keeper's part now.
func certified(t *testing.T, k *kit.Kit) rights.CertificateSource {
	t.Helper()
	made, err := k.Rights.Certify(asService(t), "acme", "e")
	require.NoError(t, err)
	for _, s := range made.Sources {
		if s.Name == "troth.retention" {
			return s
		}
	}
	require.Fail(t, "the keeper has no part in it")
	return rights.CertificateSource{}
}

// TestRights_AKilledKeepersPartIsLearntAtOnce: a program is killed while the Keeper destroys.
// The one that goes on finds the Keeper's work in the dead one's hands; and as soon as that is
// done its desk knows, not at its next check a day later.
func TestRights_AKilledKeepersPartIsLearntAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, h, clock := d.erasing(t)
		ctx := asService(t)
		_, err := k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		p, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "e", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, "acme", "e", p)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "e"))
		_, err = k.Rights.Approve(ctx, "acme", "e")
		require.NoError(t, err)

		text, err := json.Marshal(victim{d.dialect, d.driver, d.source, clock.now().Add(time.Second)})
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), victimEnv+"="+string(text))
		cmd.Stderr = os.Stderr
		err = cmd.Run()
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, err)

		clock.move(10 * time.Second)
		require.NoError(t, k.Rights.Step(ctx, "acme", "e"))
		r, err := k.Rights.Request(ctx, "acme", "e")
		require.NoError(t, err)
		require.Equal(t, rights.StateDelivering, r.State)
		require.Equal(t, rights.Pending, certified(t, k).Outcome, "the dead one has it in its hands")
		require.Empty(t, h.destroyed())
		require.Eventually(t, func() bool { // until the lease of the dead one is over
			_, err := k.Keeper.Sweep(ctx)
			return err == nil && len(h.destroyed()) == 1
		}, time.Minute, 100*time.Millisecond)
		for range 2 { // its clock is the request's, which may run ahead by a moment
			clock.move(time.Second)
			require.NoError(t, k.Rights.Sweep(ctx))
		}
		s := certified(t, k)
		require.Equal(t, rights.Done, s.Outcome)
		require.EqualValues(t, 1, s.Records)
	})
}

// TestRights_WhatAHoldKeptIsLearntWhenItGoes: and so it is when a hold is released.
func TestRights_WhatAHoldKeptIsLearntWhenItGoes(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, _, clock := d.erasing(t)
		ctx := asService(t)
		counsel := as(t, "jurist", "counsel")
		require.NoError(t, k.Keeper.Place(counsel, retention.Hold{
			Tenant: "acme", ID: "h", Matter: "dispute", SubjectID: "ada", Class: "order", Review: clock.now().AddDate(1, 0, 0),
		}))
		asked(t, k, rights.Submission{ID: "e", Right: rights.Erase, SubjectID: "ada"})
		require.Equal(t, rights.Retained, certified(t, k).Outcome)
		clock.move(time.Minute)
		require.NoError(t, k.Keeper.ProposeRelease(counsel, "acme", "h"))
		require.NoError(t, k.Keeper.Release(as(t, "second", "counsel"), "acme", "h"))
		_, err := k.Keeper.Sweep(ctx)
		require.NoError(t, err)
		for range 2 {
			clock.move(time.Second)
			require.NoError(t, k.Rights.Sweep(ctx))
		}
		require.Equal(t, rights.Done, certified(t, k).Outcome)
		require.NoError(t, k.Rights.Reconcile(ctx, "acme"))
	})
}

func victimMain() {
	if config := os.Getenv(victimEnv); config != "" {
		fmt.Fprintln(os.Stderr, runVictim(config))
		os.Exit(1)
	}
}
