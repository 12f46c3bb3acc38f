@dimensions 2
@targetLabel true
@data
1,2,NaN:4,5,6:-1.5e1
7:8:+2
