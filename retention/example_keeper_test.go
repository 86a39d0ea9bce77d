package retention_test

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

// folder is a host's table of files. A real one is in the keeper's database, and works in
// the transaction of the context.
type folder struct {
	keeper *retention.Keeper
	seen   map[string]retention.Visibility
}

func (f *folder) Hide(_ context.Context, o retention.Order) error {
	f.seen[o.ID] = o.Visible
	return nil
}

func (f *folder) Restore(ctx context.Context, o retention.Order) error { return f.Hide(ctx, o) }

func (f *folder) Destroy(ctx context.Context, o retention.Order) error {
	if err := f.keeper.Check(ctx, o); err != nil {
		return err
	}
	delete(f.seen, o.ID)
	return nil
}

func (f *folder) Anonymise(ctx context.Context, o retention.Order) error { return f.Destroy(ctx, o) }

func (f *folder) Count(context.Context, troth.Tenant) (int64, error) { return int64(len(f.seen)), nil }

// A file is trashed; the first record ever to go waits for two people, and a legal hold
// keeps another.
func ExampleKeeper() {
	now := time.Date(2026, time.February, 1, 9, 0, 0, 0, time.UTC)
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	db := memory.Open()
	files := &folder{seen: map[string]retention.Visibility{}}
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "files"})
	k, err := retention.New(ctx, retention.Config{
		Store: retentionmem.New(db), Recorder: troth.UnsafeNoEvidence(db), // a program that accounts for what it does has a trail
	}, retention.WithRecords("file", retention.Registration{Handler: files}), retention.WithClock(func() time.Time { return now }))
	must(err)
	files.keeper = k

	officer := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "olga", Roles: []string{"dpo"}})
	counsel := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "carl", Roles: []string{"counsel"}})
	policy, err := retention.ParseYAML([]byte(trash))
	must(err)
	must(k.Activate(officer, policy))

	for id, owner := range map[string]string{"17": "ada", "18": "bob"} {
		key := retention.RecordKey{Tenant: "acme", Type: "file", ID: id}
		files.seen[id] = retention.VisibleAll
		must(k.Created(ctx, retention.NewRecord{RecordKey: key, SubjectID: owner}))
		must(k.Happened(ctx, key, retention.Occurrence{Event: "trashed"}))
	}
	must(k.Place(counsel, retention.Hold{
		Tenant: "acme", ID: "case-7", Matter: "lawsuit", SubjectID: "bob", Review: now.AddDate(1, 0, 0),
	}))

	now = now.AddDate(0, 0, 60)
	swept, err := k.Sweep(ctx)
	fmt.Println(swept.Destroyed, "destroyed:", err)

	plan, err := k.Preview(ctx)
	must(err)
	must(k.Propose(officer, plan))
	must(k.Approve(counsel, plan.Hash()))
	swept, err = k.Sweep(ctx)
	fmt.Println(swept.Destroyed, "destroyed,", len(files.seen), "left:", files.seen, err)
	d, err := k.Record(ctx, retention.RecordKey{Tenant: "acme", Type: "file", ID: "18"})
	fmt.Println("the other:", d.Keep, err)

	// Output:
	// 0 destroyed: retention: this needs an approved plan: first; see Keeper.Preview
	// 1 destroyed, 1 left: map[18:none] <nil>
	// the other: hold case-7 (lawsuit) <nil>
}
