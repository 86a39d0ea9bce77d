package troth_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func TestScope_StateOfAnOutermostScope(t *testing.T) {
	for _, end := range []troth.ScopeState{troth.ScopeCommitted, troth.ScopeRolledBack, troth.ScopeUnknown} {
		s := troth.NewScope(nil, true)
		require.Equal(t, troth.ScopeOpen, s.State())
		s.SetValue("k", "v")
		require.Equal(t, "v", s.Value("k"))
		s.End(end)
		require.Equal(t, end, s.State())
		require.Nil(t, s.Value("k"))
		s.SetValue("k", "late")
		require.Nil(t, s.Value("k"))
	}
}

func TestScope_ReleasedScopeSharesTheFateOfTheOuter(t *testing.T) {
	for _, end := range []troth.ScopeState{troth.ScopeCommitted, troth.ScopeRolledBack, troth.ScopeUnknown} {
		root := troth.NewScope(nil, true)
		middle := troth.NewScope(root, true)
		inner := troth.NewScope(middle, true)
		inner.End(troth.ScopeCommitted)
		require.Equal(t, troth.ScopeOpen, inner.State())
		middle.End(troth.ScopeCommitted)
		require.Equal(t, troth.ScopeOpen, inner.State())
		root.End(end)
		require.Equal(t, end, inner.State())
		require.Equal(t, end, middle.State())
	}
}

func TestScope_UndoneScopeStaysUndone(t *testing.T) {
	root := troth.NewScope(nil, true)
	middle := troth.NewScope(root, true)
	inner := troth.NewScope(middle, true)
	inner.End(troth.ScopeCommitted)
	middle.End(troth.ScopeRolledBack)
	require.Equal(t, troth.ScopeRolledBack, inner.State())
	root.End(troth.ScopeCommitted)
	require.Equal(t, troth.ScopeRolledBack, inner.State())
	require.Equal(t, troth.ScopeRolledBack, middle.State())
}

func TestScope_ValuesPassOutwardsOnlyOnRelease(t *testing.T) {
	root := troth.NewScope(nil, true)
	root.SetValue("a", "root")
	released, undone := troth.NewScope(root, true), troth.NewScope(root, true)
	released.SetValue("a", "released")
	released.SetValue("nil", nil)
	undone.SetValue("b", "undone")
	require.Equal(t, "root", root.Value("a"))
	require.Equal(t, "root", undone.Value("a"))
	undone.End(troth.ScopeRolledBack)
	released.End(troth.ScopeCommitted)
	require.Equal(t, "released", root.Value("a"))
	require.Nil(t, root.Value("b"))
	require.Equal(t, "released", released.Value("a"), "the outer scope answers")
}

func TestScope_NilHidesTheOuterValue(t *testing.T) {
	root := troth.NewScope(nil, true)
	root.SetValue("a", "root")
	inner := troth.NewScope(root, true)
	inner.SetValue("a", nil)
	require.Nil(t, inner.Value("a"))
	require.Equal(t, "root", root.Value("a"))
}

func TestScope_WithinAndCurrent(t *testing.T) {
	root, other := troth.NewScope(nil, true), troth.NewScope(nil, false)
	inner := troth.NewScope(troth.NewScope(root, true), true)
	require.True(t, inner.Within(root))
	require.True(t, root.Within(root))
	require.False(t, root.Within(inner))
	require.False(t, inner.Within(other))
	require.True(t, root.Current())
	require.False(t, other.Current())
}

func TestScope_IsSafeForConcurrentUse(t *testing.T) {
	root := troth.NewScope(nil, true)
	inner := troth.NewScope(root, true)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 100 {
				inner.SetValue(fmt.Sprint(g, i), i)
				inner.Value("k")
				root.Value("k")
				inner.State()
			}
		})
	}
	all.Wait()
	inner.End(troth.ScopeCommitted)
	require.Equal(t, 99, root.Value("7 99"))
}
