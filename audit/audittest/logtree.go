package audittest

import (
	"bytes"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// logTreeChecks are of tiles, the heads of tenants, checkpoints and pruning.
var logTreeChecks = []check{
	{"tiles come back as they went in, each in its place", func(r *rig) {
		var tiles []audit.Tile
		for _, level := range []int{0, 1, 2, 255} {
			for n := range uint64(5) {
				tiles = append(tiles, tileOf(level, n, 256))
			}
		}
		tiles[7].Hashes = tiles[7].Hashes[:32]
		tiles[19].N = 1<<62 - 1
		r.must(r.store.PutTiles(r.Context(), 1, tiles))
		r.must(r.store.PutTiles(r.Context(), 2, []audit.Tile{tileOf(0, 9, 3)}))
		for _, want := range tiles {
			got, there := found(r.store.Tile(r.Context(), 1, want.Level, want.N))(r)
			r.want(there && bytes.Equal(got, want.Hashes), "tile %d of level %d is another one", want.N, want.Level)
		}
		for _, at := range []audit.Tile{{Level: 0, N: 9}, {Level: 3}, {Level: 0, N: 5}} {
			got, there := found(r.store.Tile(r.Context(), 1, at.Level, at.N))(r)
			r.want(!there && got == nil, "tile %d of level %d is found", at.N, at.Level)
		}
		for _, c := range []struct{ n, limit, want int }{{0, 99, 5}, {1, 2, 2}, {4, 3, 1}, {5, 3, 0}} {
			got := ok(r.store.Tiles(r.Context(), 1, 1, uint64(c.n), c.limit))(r)
			r.want(slices.EqualFunc(got, tiles[5+c.n:5+c.n+c.want], sameTile), "from %d: got %d tiles, or others", c.n, len(got))
		}
	}},
	{"a tile is written over the one in its place, and slices stay the caller's", func(r *rig) {
		r.must(r.store.PutTiles(r.Context(), 1, []audit.Tile{tileOf(1, 0, 3), tileOf(1, 1, 1)}))
		given := tileOf(1, 0, 4)
		r.must(r.store.PutTiles(r.Context(), 1, []audit.Tile{given}))
		given.Hashes[0] ^= 0xff
		got, _ := found(r.store.Tile(r.Context(), 1, 1, 0))(r)
		r.want(bytes.Equal(got, tileOf(1, 0, 4).Hashes), "the tile is another one")
		got[0] ^= 0xff
		tiles := ok(r.store.Tiles(r.Context(), 1, 1, 0, 9))(r)
		r.want(slices.EqualFunc(tiles, []audit.Tile{tileOf(1, 0, 4), tileOf(1, 1, 1)}, sameTile), "got %d tiles, or others", len(tiles))
	}},
	{"heads of tenants come back as they went in, in byte order of their names", func(r *rig) {
		var heads []audit.TenantHead
		for i, tenant := range append(slices.Clone(tenants), `o"dd\{,}`) {
			heads = append(heads, audit.TenantHead{Tenant: tenant, Number: uint64(i + 1), Index: uint64(i * 7), Hash: hashOf(uint64(i))})
		}
		r.must(r.store.PutTenantHeads(r.Context(), 1, heads))
		other := audit.TenantHead{Tenant: "acme", Number: 1, Hash: hashOf(99)}
		r.must(r.store.PutTenantHeads(r.Context(), 2, []audit.TenantHead{other}))
		moved := heads[2]
		moved.Number, moved.Index, moved.Hash = 1<<62-1, 1<<62-1, hashOf(77)
		r.must(r.store.PutTenantHeads(r.Context(), 1, []audit.TenantHead{moved}))
		heads[2] = moved
		for _, want := range heads {
			got, there := found(r.store.TenantHead(r.Context(), 1, want.Tenant))(r)
			r.want(there && got == want, "%q ends elsewhere", want.Tenant)
		}
		got, _ := found(r.store.TenantHead(r.Context(), 2, "acme"))(r)
		r.want(got == other, "a head is another log's")
		_, there := found(r.store.TenantHead(r.Context(), 1, "nobody"))(r)
		r.want(!there, "a tenant without entries has a head")
		slices.SortFunc(heads, func(a, b audit.TenantHead) int { return bytes.Compare([]byte(a.Tenant), []byte(b.Tenant)) })
		var all []audit.TenantHead
		var after troth.Tenant
		for {
			page := ok(r.store.TenantHeads(r.Context(), 1, after, 3))(r)
			if len(page) == 0 {
				break
			}
			r.want(len(page) <= 3, "3 at most, and got %d", len(page))
			all = append(all, page...)
			after = page[len(page)-1].Tenant
		}
		r.want(slices.Equal(all, heads), "got %d heads, or others, or in another order", len(all))
	}},
	{"checkpoints come back as they went in, by size", func(r *rig) {
		_, there := found(r.store.Checkpoint(r.Context(), 1, 1<<62))(r)
		r.want(!there, "an empty log has a checkpoint")
		var rows []audit.CheckpointRow
		for _, size := range []uint64{1, 5, 20, 300} {
			rows = append(rows, checkpointOf(1, size))
		}
		rows[3].Note = bytes.Repeat([]byte{0xfe}, audit.MaxNote)
		for _, i := range []int{2, 0, 3, 1} {
			r.must(r.store.PutCheckpoint(r.Context(), rows[i]))
		}
		r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(2, 7)))
		for size, want := range map[uint64]int{1: 0, 4: 0, 5: 1, 19: 1, 20: 2, 299: 2, 300: 3, 1 << 62: 3} {
			got, there := found(r.store.Checkpoint(r.Context(), 1, size))(r)
			r.want(there && sameCheckpoint(got, rows[want]), "at %d: another one is the newest", size)
		}
		_, there = found(r.store.Checkpoint(r.Context(), 1, 0))(r)
		r.want(!there, "a checkpoint is found that is larger than asked for")
		for _, c := range []struct {
			size        uint64
			limit, from int
			count       int
		}{{0, 99, 0, 4}, {1, 99, 0, 4}, {2, 2, 1, 2}, {300, 9, 3, 1}, {301, 9, 0, 0}} {
			got := ok(r.store.Checkpoints(r.Context(), 1, c.size, c.limit))(r)
			r.want(slices.EqualFunc(got, rows[c.from:c.from+c.count], sameCheckpoint), "from %d: got %d, or others", c.size, len(got))
		}
		got, _ := found(r.store.Checkpoint(r.Context(), 1, 5))(r)
		got.Note[0] ^= 0xff
		got, _ = found(r.store.Checkpoint(r.Context(), 1, 5))(r)
		r.want(sameCheckpoint(got, rows[1]), "a note changed with a caller's slice")
	}},
	{"a checkpoint is kept over one of the same size unless that was signed later", func(r *rig) {
		first := checkpointOf(1, 5)
		later, cosigned, earlier := first, first, first
		later.SignedAt, later.Note = first.SignedAt+1, []byte("later")
		cosigned.SignedAt, cosigned.Note = first.SignedAt+1, []byte("cosigned")
		earlier.Note = []byte("earlier")
		for _, step := range []struct{ put, want audit.CheckpointRow }{
			{first, first}, {later, later}, {cosigned, cosigned}, {earlier, cosigned},
		} {
			r.must(r.store.PutCheckpoint(r.Context(), step.put))
			got := ok(r.store.Checkpoints(r.Context(), 1, 0, 9))(r)
			r.want(len(got) == 1 && sameCheckpoint(got[0], step.want), "%q was put, and %d are there, or another", step.put.Note, len(got))
		}
	}},
	{"a note that is too long or empty is refused", func(r *rig) {
		for _, length := range []int{0, audit.MaxNote + 1} {
			c := checkpointOf(1, 5)
			c.Note = make([]byte, length)
			r.wantError(r.store.PutCheckpoint(r.Context(), c), audit.ErrNote, "a note")
		}
		_, there := found(r.store.Checkpoint(r.Context(), 1, 9))(r)
		r.want(!there, "it was kept")
	}},
	{"checkpoints that are dropped are gone and no others", func(r *rig) {
		for _, size := range []uint64{1, 2, 3, 4} {
			r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(1, size)))
			r.must(r.store.PutCheckpoint(r.Context(), checkpointOf(2, size)))
		}
		r.must(r.store.DropCheckpoints(r.Context(), 1, []uint64{1, 3, 99}))
		got := ok(r.store.Checkpoints(r.Context(), 1, 0, 9))(r)
		r.want(slices.EqualFunc(got, []audit.CheckpointRow{checkpointOf(1, 2), checkpointOf(1, 4)}, sameCheckpoint), "got %d, or others", len(got))
		r.want(len(ok(r.store.Checkpoints(r.Context(), 2, 0, 9))(r)) == 4, "another log's were dropped")
	}},
	{"a pruned prefix is gone with its parts and tiles, and the head says so", func(r *rig) {
		rows := r.prunable()
		by := entryID(7)
		left := ok(r.store.Prune(r.Context(), audit.Pruning{Log: 1, Before: 512, By: by}, 10_000))(r)
		r.want(left == 0, "%d are left", left)
		r.wantPruned(rows, 512, 2)
		head := ok(r.store.Heads(r.Context()))(r)[0]
		r.want(head.Pruned == 512 && head.PrunedBy == by && head.Size == 100 && head.Root == hashOf(1), "the head is %+v", head)
		left = ok(r.store.Prune(r.Context(), audit.Pruning{Log: 1, Before: 256, By: entryID(8)}, 10_000))(r)
		head = ok(r.store.Heads(r.Context()))(r)[0]
		r.want(left == 0 && head.Pruned == 512 && head.PrunedBy == by, "the head went back: %+v", head)
	}},
	{"pruning goes on from where the limit stopped it", func(r *rig) {
		rows := r.prunable()
		for i, want := range []int{312, 112, 0, 0} {
			left := ok(r.store.Prune(r.Context(), audit.Pruning{Log: 1, Before: 512, By: entryID(7)}, 200))(r)
			r.want(left == want, "step %d: %d are left, want %d", i, left, want)
			gone := min(200*(i+1), 512)
			r.wantPruned(rows, gone, gone/256)
		}
	}},
}

// wantError notices another error than the one that the contract names.
func (r *rig) wantError(err, want error, what string) {
	r.Helper()
	r.want(errors.Is(err, want), "%s: %v, want %v", what, err, want)
}

// prunable makes a log of 600 entries with parts and tiles, and a second one.
func (r *rig) prunable() []audit.LogRow {
	r.Helper()
	rows := logOf(1, 600, "acme", "bolt")
	for log := 1; log <= 2; log++ {
		head := headOf(log)
		ok(r.store.CreateHead(r.Context(), head))(r)
		r.appendLog(logOf(log, 600, "acme", "bolt")...)
		r.must(r.store.PutTiles(r.Context(), log, []audit.Tile{tileOf(0, 0, 256), tileOf(0, 1, 256), tileOf(1, 0, 2)}))
		for _, i := range []uint64{0, 199, 200, 255, 256, 511, 512, 599} {
			tenant := rows[i].Tenant
			r.must(r.store.InsertParts(r.Context(), tenant, []audit.PartRow{partOf(numberedID(log, i), 0)}))
		}
	}
	return rows
}

// wantPruned holds the log of prunable to one whose first entries are gone, and
// with them its first tiles.
func (r *rig) wantPruned(rows []audit.LogRow, gone, tiles int) {
	r.Helper()
	r.want(sameRows(r.logRange(r.Context(), 1), rows[gone:]), "not the first %d are gone, and they alone", gone)
	for _, tenant := range []troth.Tenant{"acme", "bolt"} {
		all := append(of(rows[gone:], tenant), of(logOf(2, 600, "acme", "bolt"), tenant)...)
		r.want(sameRows(r.tenantLog(r.Context(), tenant), all), "%q has other entries", tenant)
	}
	for _, i := range []int{0, 199, 200, 255, 256, 511, 512, 599} {
		for log, want := range map[int]bool{1: i >= gone, 2: true} {
			parts := ok(r.store.Parts(r.Context(), rows[i].Tenant, numberedID(log, uint64(i))))(r)
			r.want((len(parts) == 1) == want, "log %d, index %d has %d parts", log, i, len(parts))
		}
	}
	r.want(len(ok(r.store.Tiles(r.Context(), 1, 0, 0, 9))(r)) == 2-tiles, "another number of tiles is left")
	_, above := found(r.store.Tile(r.Context(), 1, 1, 0))(r)
	r.want(above, "a tile of level 1 is gone")
	r.want(len(ok(r.store.Tiles(r.Context(), 2, 0, 0, 9))(r)) == 2, "another log's tiles are gone")
}

func tileOf(level int, n uint64, hashes int) audit.Tile {
	t := audit.Tile{Level: level, N: n}
	for i := range hashes {
		h := hashOf(uint64(level)<<32 + n<<16 + uint64(i))
		t.Hashes = append(t.Hashes, h[:]...)
	}
	return t
}

func sameTile(a, b audit.Tile) bool {
	return a.Level == b.Level && a.N == b.N && bytes.Equal(a.Hashes, b.Hashes)
}

func checkpointOf(log int, size uint64) audit.CheckpointRow {
	return audit.CheckpointRow{Log: log, Size: size, SignedAt: 1_000_000 + int64(size), Note: []byte{0, byte(size), 0xff, 0xfe}}
}

func sameCheckpoint(a, b audit.CheckpointRow) bool {
	return a.Log == b.Log && a.Size == b.Size && a.SignedAt == b.SignedAt && bytes.Equal(a.Note, b.Note)
}
