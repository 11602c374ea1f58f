// Package course is a pack being worked through in a running lab.
//
// Open builds a lesson's world: it starts the parts of the lab that were stopped, deletes what an earlier lesson left,
// applies the manifests server-side and writes the workspace's files. What was built is noted in the lab itself (ConfigMap
// kube-system/drydock-course), so it lives and dies with the lab, and a program that is started again finds the lesson as
// it was left. On a cluster that is not drydock's own (Config.Elsewhere) all of that happens in one namespace of the learner's.
//
// Run asks the current lesson's goals through a checks.Engine. A goal of kind `do` that was reached stays reached, and is
// recorded, until the world is built anew: "web is gone" may so need "web was Ready". A `guard` must hold at every moment;
// while it is broken, the goals that need it count as blocked.
package course
