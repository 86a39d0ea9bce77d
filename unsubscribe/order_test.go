package unsubscribe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two posts of a preference page, in whatever order its lists are shown, lock entries in
// one order.
func TestInOrder_IsThatOfNoPage(t *testing.T) {
	list := func(name string) Place { return Place{"acme", List, name} }
	all := []Place{list("z"), {"acme", Client, ""}, list("a"), {"acme", Everything, ""}}
	sorted := func(all []Place) (names []string) {
		for _, i := range inOrder(all) {
			names = append(names, string(all[i].Scope)+all[i].List)
		}
		return names
	}
	want := []string{"everything", "client", "lista", "listz"}
	require.Equal(t, want, sorted(all))
	require.Equal(t, want, sorted([]Place{all[3], all[2], all[1], all[0]}))
}
