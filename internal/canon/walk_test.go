package canon_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

func message() []byte {
	m := canon.AppendDomain(nil, "test/1")
	m = canon.AppendUint(m, 7)
	m = canon.AppendInt(m, -7)
	m = canon.AppendList(m, 2)
	m = canon.AppendText(m, "inner")
	m = canon.AppendList(m, 1)
	m = canon.AppendNone(m)
	m = canon.AppendBytes(m, []byte{1, 2})
	m = canon.AppendNone(m)
	return canon.AppendText(m, "end")
}

func TestWalker_ReadsWhatWasAppended(t *testing.T) {
	w := canon.Walk(message(), "test/1")
	assert.Equal(t, uint64(7), w.Uint())
	assert.Equal(t, int64(-7), w.Int())
	assert.Equal(t, 2, w.List())
	assert.Equal(t, "inner", string(w.Text()))
	w.Skip(1)
	assert.False(t, w.None())
	assert.Equal(t, []byte{1, 2}, w.Bytes())
	assert.True(t, w.None())
	assert.False(t, w.Done(), "a field is left")
	assert.Equal(t, "end", string(w.Text()))
	assert.True(t, w.Done())
}

func TestWalker_SkipsFieldsWithWhatIsInThem(t *testing.T) {
	w := canon.Walk(message(), "test/1")
	w.Skip(6)
	require.True(t, w.Done())
	w = canon.Walk(message(), "test/1")
	w.Skip(7)
	require.False(t, w.Done())
}

func TestWalker_RefusesWhatDoesNotFit(t *testing.T) {
	walks := map[string]func(w *canon.Walker){
		"another tag": func(w *canon.Walker) { w.Int() },
		"too few":     func(w *canon.Walker) { w.Skip(5) },
		"none":        func(w *canon.Walker) { w.None() },
	}
	for name, walk := range walks {
		w := canon.Walk(message(), "test/1")
		walk(&w)
		assert.False(t, w.Done(), name)
	}
	w := canon.Walk(message(), "test/2")
	w.Skip(6)
	assert.False(t, w.Done(), "another domain")
	whole := message()
	for n := range whole {
		w := canon.Walk(whole[:n], "test/1")
		w.Skip(6)
		assert.False(t, w.Done(), "cut off after %d bytes", n)
	}
	forged := canon.AppendList(canon.AppendDomain(nil, "test/1"), 1<<31)
	w = canon.Walk(forged, "test/1")
	assert.Zero(t, w.List())
	w = canon.Walk(forged, "test/1")
	w.Skip(1)
	assert.False(t, w.Done())
}

func TestWalker_TakesNoMemory(t *testing.T) {
	m := message()
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		w := canon.Walk(m, "test/1")
		w.Skip(6)
		if !w.Done() {
			t.Error("not done")
		}
	}))
}
