package tasktest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth/task"
)

var claimDefects = []defect{
	{"a claim counts the attempt, raises the fence and begins the lease", "attempts are not told", func(b *broken) {
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			rows, err := b.sound.Claim(ctx, c)
			for i := range rows {
				rows[i].Attempt = 0
			}
			return rows, err
		}
	}},
	{"no task is claimed twice", "the last claim comes again", func(b *broken) {
		var last []task.Row
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			rows, err := b.sound.Claim(ctx, c)
			if len(rows) > 0 {
				last = rows
			}
			return last, err
		}
	}},
	{"no more are claimed than were asked for, those due longest first", "one more", kindly(func(k *task.KindClaim) { k.Limit++ })},
	{"only tasks of the kinds that were asked for are claimed", "only the first kind is", claiming(func(c *task.Claim) { c.Kinds = c.Kinds[:1] })},
	{"a claim is shared out among the kinds that have tasks waiting", "the first takes all", claiming(func(c *task.Claim) { c.Limit = 1000 })},
	{"one task is claimed by its name", "never", func(b *broken) {
		b.claimOne = func(context.Context, task.Name, task.KindClaim, time.Duration) (task.Row, bool, error) {
			return task.Row{}, false, nil
		}
	}},
	{"a task that is delayed, blocked, manual or ended is not claimed by its name", "it is", func(b *broken) {
		b.claimOne = func(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
			row, claimed, err := b.sound.ClaimOne(ctx, n, k, lease)
			if !claimed && err == nil {
				row, claimed, err = b.sound.Task(ctx, n)
			}
			return row, claimed, err
		}
	}},
	{"a task whose lease has ended is claimed by its name", "not while it runs", func(b *broken) {
		b.claimOne = func(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
			if row, _, err := b.sound.Task(ctx, n); err != nil || row.State == task.Running {
				return task.Row{}, false, err
			}
			return b.sound.ClaimOne(ctx, n, k, lease)
		}
	}},
	{"a claim is shared out among tenants and lines, however many tasks one has", "the first line takes all", func(b *broken) {
		b.claim = func(ctx context.Context, c task.Claim) (rows []task.Row, err error) {
			one := c
			one.Limit = 1
			for range c.Kinds[0].Limit {
				row, err := b.sound.Claim(ctx, one)
				if err != nil {
					return nil, err
				}
				rows = append(rows, row...)
			}
			return rows, nil
		}
	}},
	{"those behind the line that was served last come first, and then from the beginning", "always from the beginning", kindly(unturned)},
	{"however many lines wait, each has its turn", "always from the beginning", kindly(unturned)},
	{"no more of a kind run at once than may, whoever claimed them", "any number", kindly(func(k *task.KindClaim) { k.Whole.AtOnce = 0 })},
	{"no more of a line run at once than may", "any number", kindly(func(k *task.KindClaim) { k.PerLine.AtOnce = 0 })},
	{"tasks of a kind begin at the rate that they may", "at any rate", kindly(func(k *task.KindClaim) { k.Whole.Every = 0 })},
	{"tasks of a line begin at the rate that they may", "at any rate", kindly(func(k *task.KindClaim) { k.PerLine.Every = 0 })},
	{"lines at their limit are passed over, however many they are", "where the first have no room, none has", func(b *broken) {
		claimed := false
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			if fromTheBeginning := c.Kinds[0].Behind == (task.Line{}); fromTheBeginning && claimed {
				return nil, nil
			}
			claimed = true
			return b.sound.Claim(ctx, c)
		}
	}},
	{"of those who claim one task by its name at once, one does", "whoever asks", func(b *broken) {
		b.claimOne = func(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
			row, _, err := b.sound.ClaimOne(ctx, n, k, lease)
			return row, true, err
		}
	}},
	{"limits hold for one that is claimed by its name", "they do not", func(b *broken) {
		b.claimOne = func(ctx context.Context, n task.Name, k task.KindClaim, lease time.Duration) (task.Row, bool, error) {
			return b.sound.ClaimOne(ctx, n, task.KindClaim{Kind: k.Kind}, lease)
		}
	}},
	{"a rate from before the clock jumped back holds nobody up for longer", "it does", func(b *broken) {
		claimed := false
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			if claimed {
				return nil, nil
			}
			claimed = true
			return b.sound.Claim(ctx, c)
		}
	}},
	{"a lease that is extended lasts from now", "it is as it was", func(b *broken) {
		b.extend = func(context.Context, []task.Held, time.Duration) ([]task.Name, error) { return nil, nil }
	}},
	{"a claim that was taken away cannot be extended", "nobody is told", func(b *broken) {
		b.extend = func(ctx context.Context, held []task.Held, lease time.Duration) ([]task.Name, error) {
			_, err := b.sound.Extend(ctx, held, lease)
			return nil, err
		}
	}},
	{"when a lease has ended the task waits again, under another fence", "nobody is told", func(b *broken) {
		b.wake = func(ctx context.Context, limit int) (task.Woken, error) {
			w, err := b.sound.Wake(ctx, limit)
			w.Lapsed = nil
			return w, err
		}
	}},
	{"who lost the lease to another cannot end it", "fences are not looked at", func(b *broken) {
		b.end = func(ctx context.Context, es []task.Ending) (task.Ended, error) {
			es = slices.Clone(es)
			for i := range es {
				row, _, err := b.sound.Task(ctx, es[i].Name)
				if err != nil {
					return task.Ended{}, err
				}
				es[i].Fence = row.Fence
			}
			return b.sound.End(ctx, es)
		}
	}},
	{"no more are woken than were asked for, of each sort", "one more", func(b *broken) {
		b.wake = func(ctx context.Context, limit int) (task.Woken, error) { return b.sound.Wake(ctx, limit+1) }
	}},
	{"leases and backoffs from before the clock jumped back are shortened to their length", "they are not", func(b *broken) {
		b.tidy = func(context.Context) (int, error) { return 0, nil }
	}},
	{"after a jump forward every lease has ended, and nothing is lost", "nobody wakes", func(b *broken) {
		b.wake = func(context.Context, int) (task.Woken, error) { return task.Woken{}, nil }
	}},
	{"those who claim at once get different tasks, and all of them", "each comes twice", func(b *broken) {
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			rows, err := b.sound.Claim(ctx, c)
			return append(rows, rows...), err
		}
	}},
	{"limits hold for those who claim at once", "any number", kindly(func(k *task.KindClaim) { k.Whole = task.Limit{} })},
	{"among 10,000 idle tenants the few who are not are found at once", "after a while", func(b *broken) {
		b.claim = func(ctx context.Context, c task.Claim) ([]task.Row, error) {
			<-time.After(2 * idleBound)
			return b.sound.Claim(ctx, c)
		}
	}},
}

func unturned(k *task.KindClaim) { k.Behind = task.Line{} }
