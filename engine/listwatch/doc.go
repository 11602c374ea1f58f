// Package listwatch follows one kind of API object without keeping a copy of it.
//
// # Part played
//
// The Reflector of client-go, for parts that must stay small: the kubelet and the proxy, three of each in a lab.
//
// # How it works
//
// Follow lists all pods of a node once and hands them over together with the list's version. Then it watches from that version and
// hands over each change. When the server answers 410 Gone, or the stream breaks with an error, it lists again, and the
// listener compares the complete list with what it knows. A stream that merely ended is continued from the newest version
// seen; bookmarks keep that version fresh while nothing changes.
//
// # Left out
//
// A store, indexes, resync periods, paging, and watch-list (KEP-3157): the first list of a node's pods is short.
//
// # In Kubernetes
//
// k8s.io/client-go/tools/cache/reflector.go.
package listwatch
