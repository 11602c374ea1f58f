package job

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// indexes is a set of completion indexes, as intervals in order with gaps between them. In a status it reads "1,3-5,7".
type indexes []interval

type interval struct{ first, last int }

// parseIndexes reads the text of a status or a rule and leaves out what is not below completions. Parts that are not numbers
// are passed over: a person may have written them.
func parseIndexes(text string, completions int) indexes {
	var all indexes
	for part := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 31)
		last, err2 := strconv.ParseUint(to, 10, 31)
		if err1 != nil || err2 != nil || first > last || int(first) >= completions {
			continue
		}
		all = append(all, interval{int(first), min(int(last), completions-1)})
	}
	return indexes(nil).union(all)
}

// String is the shortest text; two neighbours are "1,2", not "1-2".
func (x indexes) String() string {
	var parts []string
	for _, i := range x {
		parts = append(parts, strconv.Itoa(i.first))
		switch i.last {
		case i.first:
		case i.first + 1:
			parts = append(parts, strconv.Itoa(i.last))
		default:
			parts[len(parts)-1] += "-" + strconv.Itoa(i.last)
		}
	}
	return strings.Join(parts, ",")
}

// union is a new set of what is in either.
func (x indexes) union(y indexes) indexes {
	all := slices.Concat(x, y)
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
	var joined indexes
	for _, i := range all {
		if n := len(joined); n > 0 && i.first <= joined[n-1].last+1 {
			joined[n-1].last = max(joined[n-1].last, i.last)
			continue
		}
		joined = append(joined, i)
	}
	return joined
}

// with is a new set with more indexes.
func (x indexes) with(more ...int) indexes {
	var single indexes
	for _, i := range more {
		single = append(single, interval{i, i})
	}
	return x.union(single)
}

func (x indexes) total() int {
	n := 0
	for _, i := range x {
		n += i.last - i.first + 1
	}
	return n
}

// overlap is how many indexes are in both.
func (x indexes) overlap(y indexes) int {
	n := 0
	for _, i := range x {
		for _, j := range y {
			n += max(0, min(i.last, j.last)-max(i.first, j.first)+1)
		}
	}
	return n
}

func (x indexes) has(index int) bool { return x.overlap(indexes{{index, index}}) > 0 }

// missing is the first count indexes below completions that are not in the set.
func (x indexes) missing(count, completions int) []int {
	var free []int
	next := 0
	for _, i := range append(slices.Clone(x), interval{completions, completions}) {
		for ; next < min(i.first, completions) && len(free) < count; next++ {
			free = append(free, next)
		}
		next = max(next, i.last+1)
	}
	return free
}
