#!/bin/sh
# about: three pods with the right label, but nobody who keeps them at three
# fails: three: Pods that you make yourself have nobody who looks after them
for n in 1 2 3; do kubectl run "web-$n" --image=drydock/web:1 --labels=app=web; done
